/**
 * Where a webhook may lead: to the public internet, and never back into the house.
 *
 * This is what an address says by itself. A name may still lead to a private machine, so whoever
 * connects asks {@link isPublicAddress} again of the address that the name had then.
 *
 * @module
 */
import { BlockList, isIP } from "node:net";

/** Longest URL that is kept. */
export const MAX_WEBHOOK_CHARS = 2_048;

/** What an address must be, in words that follow its field's name. */
export const WEBHOOK_MUST =
  "must be an https URL on the public internet, without name and password";

/** Names that lead nowhere public: of this machine, this network, or nobody. */
const PRIVATE_SUFFIXES = [
  "localhost",
  "localdomain",
  "local",
  "internal",
  "intranet",
  "private",
  "corp",
  "home",
  "lan",
  "arpa",
  "onion",
  "test",
  "example",
  "invalid",
  "alt",
];

/** https://www.iana.org/assignments/iana-ipv4-special-registry, and what clouds keep for themselves. */
const PRIVATE_V4: readonly (readonly [net: string, bits: number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
  // Azure tells its machines about themselves here.
  ["168.63.129.16", 32],
];

/** What of {@link PUBLIC_V6} is not: tunnels that carry any IPv4 address, documentation. */
const PRIVATE_V6: readonly (readonly [net: string, bits: number])[] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
];

/** Global unicast: all that is assigned to the internet lies here. */
const PUBLIC_V6 = ["2000::", 3] as const;

const refused = new BlockList();
for (const [net, bits] of PRIVATE_V4) refused.addSubnet(net, bits, "ipv4");
for (const [net, bits] of PRIVATE_V6) refused.addSubnet(net, bits, "ipv6");
const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");
const globalV6 = new BlockList();
globalV6.addSubnet(...PUBLIC_V6, "ipv6");

/** Whether an IP address, v4 or v6, belongs to the public internet. What is none does not. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !refused.check(address, "ipv4");
    case 6:
      return globalV6.check(address, "ipv6") && !refused.check(address, "ipv6");
    default:
      return false;
  }
}

/** Whether an IP address belongs to this machine itself. */
export function isLoopbackAddress(address: string): boolean {
  const version = isIP(address);
  return version !== 0 && loopback.check(address, version === 4 ? "ipv4" : "ipv6");
}

/**
 * The address in its one spelling; null: no webhook may go there.
 *
 * @param allowsLoopback whether this machine itself is allowed, also as http:// (for development)
 */
export function webhookAddress(given: string, allowsLoopback = false): string | null {
  if (given.length > MAX_WEBHOOK_CHARS || !URL.canParse(given)) return null;
  // The parser knows all spellings of an address: decimal, octal, hexadecimal, other scripts.
  const url = new URL(given);
  if (url.username !== "" || url.password !== "") return null;
  const host = hostOf(url);
  const isPublic = url.protocol === "https:" && isPublicHost(host);
  if (!isPublic && !(allowsLoopback && isOfThisMachine(url.protocol, host))) return null;
  url.hash = "";
  return url.href.length > MAX_WEBHOOK_CHARS ? null : url.href;
}

/** The host without the brackets of IPv6. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, "");
}

function isOfThisMachine(protocol: string, host: string): boolean {
  return /^https?:$/.test(protocol) && (host === "localhost" || isLoopbackAddress(host));
}

function isPublicHost(host: string): boolean {
  if (isIP(host) !== 0) return isPublicAddress(host);
  const labels = host.split(".");
  if (labels.length < 2 || labels.includes("")) return false;
  return !PRIVATE_SUFFIXES.includes(labels.at(-1)!);
}
