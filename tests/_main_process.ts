/**
 * The real `main.ts` as a process of its own.
 *
 * @module
 */
import { SETTINGS } from "../settings.ts";

const PERMISSIONS = [
  "--no-prompt",
  "--allow-net=127.0.0.1,localhost",
  "--allow-read=.",
  "--allow-write=.scratch",
  "--allow-env",
];

const UNSET = Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, ""]));

/** Runs the real `main.ts` as a process of its own. */
export function startMain(settings: Record<string, string>): Deno.ChildProcess {
  return new Deno.Command("deno", {
    args: ["run", ...PERMISSIONS, "main.ts"],
    cwd: new URL("../", import.meta.url),
    // What this machine happens to set must not matter, but for where Deno keeps its cache.
    env: { ...UNSET, HOST: "127.0.0.1", PORT: "0", ...settings },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** The lines that a process logs, as they come. */
export async function* linesOf(
  process: Deno.ChildProcess,
): AsyncGenerator<Record<string, unknown>> {
  let rest = "";
  for await (const text of process.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) yield JSON.parse(line);
  }
}

/** Where the process listens, as soon as it does. */
export async function listeningAt(lines: AsyncGenerator<Record<string, unknown>>): Promise<string> {
  while (true) {
    const { value, done } = await lines.next();
    if (done) throw new Error("The process has ended before it listened");
    if (value.event === "listening") return String(value.url);
  }
}
