/**
 * Which deployed class a stream speaks to, and as whom (WIRE V10).
 *
 * @module
 */
import type { ModelIdentity } from "./client.ts";

/**
 * The identity of one stream: each part from its header where that says something, else from the
 * configuration (which has already chosen between its own variables).
 *
 * @returns null without a token id and secret: such a stream is not captioned (WIRE V8)
 */
export function modelIdentityOf(
  headers: Pick<Headers, "get">,
  configured: ModelIdentity,
): ModelIdentity | null {
  const pick = (header: string, fallback: string) => headers.get(header)?.trim() || fallback;
  const identity = {
    tokenId: pick("x-modal-token-id", configured.tokenId),
    tokenSecret: pick("x-modal-token-secret", configured.tokenSecret),
    appName: pick("x-modal-app-name", configured.appName),
    className: pick("x-modal-class-name", configured.className),
  };
  return identity.tokenId && identity.tokenSecret ? identity : null;
}
