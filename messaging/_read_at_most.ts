/**
 * Reading an answer without trusting its length.
 *
 * @module
 */

/** The beginning of a body. */
export interface BodyStart {
  readonly text: string;
  /** Whether there was more. */
  readonly isCut: boolean;
}

/**
 * Reads up to `maxBytes` as UTF-8 and lets go of the rest.
 *
 * @throws what the body throws when its connection is lost or its fetch is aborted
 */
export async function readAtMost(response: Response, maxBytes: number): Promise<BodyStart> {
  const decoder = new TextDecoder();
  let text = "";
  let leftBytes = maxBytes;
  // Leaving the loop early cancels the body.
  for await (const part of response.body ?? []) {
    text += decoder.decode(part.subarray(0, leftBytes), { stream: true });
    if (part.length > leftBytes) return { text, isCut: true };
    leftBytes -= part.length;
  }
  return { text: text + decoder.decode(), isCut: false };
}
