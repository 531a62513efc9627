/**
 * Signatures of webhooks, as Standard Webhooks has them
 * (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md):
 * HMAC-SHA256 over `id.timestamp.body`.
 *
 * Each wearer has a secret of its own, which is made of a signing key of the process and stored
 * nowhere: whoever receives one wearer's webhooks cannot sign another's.
 *
 * @module
 */

/** The prefix that receivers' libraries expect of a secret. */
const SECRET_PREFIX = "whsec_";

/** The secret with which a wearer's webhooks are signed by this key, as receivers take it. */
export async function webhookSecretOf(signingKey: string, wearer: string): Promise<string> {
  const key = new TextEncoder().encode(signingKey);
  return SECRET_PREFIX + (await hmac(key, `foresight webhook ${wearer}`)).toBase64();
}

/** What is signed. */
export interface Signed {
  readonly id: string;
  readonly timestampS: number;
  readonly body: string;
}

/**
 * The header `webhook-signature`: one signature for each secret, so that a receiver goes on while
 * its secret is being changed.
 */
export async function signatureOf(
  secrets: readonly string[],
  { id, timestampS, body }: Signed,
): Promise<string> {
  const signatures = secrets.map(async (secret) => {
    const key = Uint8Array.fromBase64(secret.slice(SECRET_PREFIX.length));
    return `v1,${(await hmac(key, `${id}.${timestampS}.${body}`)).toBase64()}`;
  });
  return (await Promise.all(signatures)).join(" ");
}

async function hmac(key: Uint8Array<ArrayBuffer>, text: string): Promise<Uint8Array> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
  return new Uint8Array(
    await crypto.subtle.sign("HMAC", imported, new TextEncoder().encode(text)),
  );
}
