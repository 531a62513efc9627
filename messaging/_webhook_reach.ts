/**
 * Where this process may send webhooks: to the public internet, and for development to its own
 * machine.
 *
 * @module
 */
import { isLoopbackAddress, isPublicAddress, webhookAddress } from "./webhook_address.ts";

/**
 * The address as far as can be told without looking its name up; null: nothing is sent there.
 *
 * @param allowsLoopback whether this machine itself is allowed, also as http:// (for development)
 */
export function reachableUrl(text: string, allowsLoopback: boolean): URL | null {
  const address = webhookAddress(text, allowsLoopback);
  return address === null ? null : new URL(address);
}

/** Whether a connection to that IP address may be made. */
export function mayConnectTo(address: string, allowsLoopback: boolean): boolean {
  return isPublicAddress(address) || allowsLoopback && isLoopbackAddress(address);
}
