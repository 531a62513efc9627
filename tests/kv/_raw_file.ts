/**
 * What lies in a database file as bytes, whether SQLite would still find it or not.
 *
 * @module
 */

/** The file, its log and its index of the log, a letter for each byte. */
export async function rawText(path: string): Promise<string> {
  const files = [path, `${path}-wal`, `${path}-shm`];
  const bytes = await Promise.all(
    files.map((file) => Deno.readFile(file).catch(() => new Uint8Array())),
  );
  return bytes.map((some) => letters(some)).join("");
}

/** How often a text is in there, in any spelling that KV may use. */
export async function rawCount(path: string, text: string): Promise<number> {
  const raw = await rawText(path);
  return spellingsOf(text).reduce((sum, spelling) => sum + raw.split(spelling).length - 1, 0);
}

/** Any bytes as text, one letter for each. */
export function letters(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

/** As Latin-1, UTF-8 and UTF-16: V8 writes a text with one letter beyond Latin-1 in the last. */
function spellingsOf(text: string): string[] {
  const codes = Array.from(text, (letter) => letter.charCodeAt(0));
  const utf16 = new Uint8Array(Uint16Array.from(codes).buffer);
  const all = [Uint8Array.from(codes), new TextEncoder().encode(text), utf16];
  return [...new Set(all.map(letters))];
}
