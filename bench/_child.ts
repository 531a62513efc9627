/**
 * Servers under measurement, each a process of its own.
 *
 * @module
 */

/** A running server. */
export interface Child {
  readonly pid: number;
  /** `http://host:port`. */
  readonly url: string;
  /** Asks it to end, and waits until it has. */
  stop(): Promise<void>;
}

/** What to run. */
export interface ChildOptions {
  /** For messages. */
  readonly name: string;
  /** What `deno run` gets: permissions and a program. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The address in a line that the program prints when it listens; null in any other line. */
  readonly urlIn: (line: string) => string | null;
  /** Whether a line that comes later is worth showing. Default: every line. */
  readonly isNews?: (line: string) => boolean;
}

/**
 * Starts a server; resolves when it listens.
 *
 * @throws {Error} if it ends before
 */
export async function startChild(options: ChildOptions): Promise<Child> {
  const child = new Deno.Command("deno", {
    args: ["run", "--no-prompt", ...options.args],
    env: { ...options.env },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const listening = Promise.withResolvers<string>();
  const drained = drain(child.stdout, options, listening);
  const url = await listening.promise;
  return {
    pid: child.pid,
    url,
    async stop() {
      child.kill("SIGTERM");
      await drained;
      await child.status;
    },
  };
}

/** Reads to the end, since a full pipe would hold the server up. */
async function drain(
  stdout: ReadableStream<Uint8Array<ArrayBuffer>>,
  { name, urlIn, isNews = () => true }: ChildOptions,
  listening: PromiseWithResolvers<string>,
): Promise<void> {
  let isListening = false;
  let rest = "";
  for await (const text of stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      const url = isListening ? null : urlIn(line);
      if (url !== null) {
        isListening = true;
        listening.resolve(url);
      } else if (isNews(line)) {
        Deno.stderr.writeSync(new TextEncoder().encode(`${name}: ${line}\n`));
      }
    }
  }
  listening.reject(new Error(`Cannot measure ${name} as it ended before it listened`));
}
