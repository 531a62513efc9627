/**
 * Talking to whoever ran the command.
 *
 * @module
 */
import { lineWriter, reasonOf } from "../log.ts";

const writeLine = lineWriter(Deno.stdout);
const encoder = new TextEncoder();
const CLEAR_LINE = "\r\x1b[K";

/** Writes a line. */
export function say(line = ""): void {
  writeLine(`${Deno.stdout.isTerminal() ? CLEAR_LINE : ""}${line}`);
}

/** Writes a line that the next one replaces; only a terminal sees it. */
export function sayForNow(line: string): void {
  if (Deno.stdout.isTerminal()) Deno.stdout.writeSync(encoder.encode(`${CLEAR_LINE}${line}`));
}

/** Runs a command: what it throws is said in one line, and the process exits 1. */
export async function runCommand(command: () => Promise<number>): Promise<never> {
  try {
    Deno.exit(await command());
  } catch (error) {
    lineWriter(Deno.stderr)(reasonOf(error));
    Deno.exit(1);
  }
}
