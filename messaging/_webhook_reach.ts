/**
 * Where this process may send webhooks: to the public internet, and for development to its own
 * machine.
 *
 * @module
 */
import { BlockList, isIP } from "node:net";
import { isPublicAddress, MAX_WEBHOOK_CHARS, webhookAddress } from "./webhook_address.ts";

/** What an address must be, in words that follow its field's name. */
export const WEBHOOK_MUST =
  "must be an https URL on the public internet, without name and password";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/**
 * The address as far as can be told without looking its name up; null: nothing is sent there.
 *
 * @param allowsLoopback whether this machine itself is allowed, also as http:// (for development)
 */
export function reachableUrl(text: string, allowsLoopback: boolean): URL | null {
  const address = webhookAddress(text);
  if (address !== null) return new URL(address);
  const url = allowsLoopback && text.length <= MAX_WEBHOOK_CHARS ? URL.parse(text) : null;
  if (!url || url.username || url.password || !/^https?:$/.test(url.protocol)) return null;
  return hostOf(url) === "localhost" || isLoopback(hostOf(url)) ? url : null;
}

/** Whether a connection to that IP address may be made. */
export function mayConnectTo(address: string, allowsLoopback: boolean): boolean {
  return isPublicAddress(address) || allowsLoopback && isLoopback(address);
}

/** The host without the brackets of IPv6. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, "");
}

function isLoopback(address: string): boolean {
  const version = isIP(address);
  return version !== 0 && loopback.check(address, version === 4 ? "ipv4" : "ipv6");
}
