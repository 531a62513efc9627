/**
 * What must be recognised again but not be readable in the database: keys, bodies, identities.
 *
 * @module
 */

/** SHA-256 of the UTF-8 text, as 64 hexadecimal digits. */
export async function sha256Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex();
}
