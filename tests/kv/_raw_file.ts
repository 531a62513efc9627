/**
 * What lies in a database file as bytes, whether SQLite would still find it or not.
 *
 * @module
 */

/** How often a text is in the file, its log and its index of the log, in any spelling that KV may use. */
export async function rawCount(path: string, text: string): Promise<number> {
  let count = 0;
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    const bytes = await Deno.readFile(file).catch(() => new Uint8Array());
    // A letter for each byte, so that a text is found at whatever place it begins.
    const raw = new TextDecoder("latin1").decode(bytes);
    for (const spelling of spellingsOf(text)) count += raw.split(spelling).length - 1;
  }
  return count;
}

/** As Latin-1, UTF-8 and UTF-16; V8 writes a text with one letter beyond Latin-1 in the last. */
function spellingsOf(text: string): string[] {
  const utf16 = new Uint8Array(new Uint16Array([...text].map((c) => c.charCodeAt(0))).buffer);
  const all = [new TextEncoder().encode(text), utf16];
  const latin1 = Uint8Array.from([...text], (letter) => letter.charCodeAt(0));
  return [...new Set([latin1, ...all].map((bytes) => new TextDecoder("latin1").decode(bytes)))];
}
