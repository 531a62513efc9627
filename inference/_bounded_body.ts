/**
 * Reading what another server sends without trusting it to end.
 *
 * @module
 */

/** The body of a response; null where it is longer than `maxBytes`, of which no more is read then. */
export async function readAtMost(response: Response, maxBytes: number): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.byteLength;
    if (length > maxBytes) return null; // leaving the loop cancels the rest
    parts.push(part);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
}
