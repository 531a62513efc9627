/**
 * `main.ts` in a process of its own, which can be killed and comes back on its port.
 *
 * @module
 */
import { SETTINGS } from "../../settings.ts";

const PERMISSIONS = [
  "--no-prompt",
  "--allow-net=127.0.0.1,localhost",
  "--allow-read=.",
  "--allow-write=.scratch",
  `--allow-env=DENO_KV_ACCESS_TOKEN,${Object.keys(SETTINGS).join(",")}`,
  "--ignore-env",
];
/** What this machine happens to set must not matter. */
const UNSET = Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, ""]));

/** A server that may be down for a moment. */
export class ServerProcess {
  readonly #settings: Readonly<Record<string, string>>;
  #process: Deno.ChildProcess | null = null;
  #output: Promise<unknown> = Promise.resolve();
  /** `http://127.0.0.1:PORT`, from the first start on. */
  url = "";
  /** All that it has logged so far, in all its lives. */
  readonly lines: string[] = [];

  constructor(settings: Readonly<Record<string, string>>) {
    this.#settings = settings;
  }

  /** Of the process that runs now. */
  get pid(): number {
    return this.#process!.pid;
  }

  /** Starts it, on the port that it had before; resolves when it listens. */
  async start(): Promise<void> {
    const port = this.url ? new URL(this.url).port : "0";
    this.#process = new Deno.Command("deno", {
      args: ["run", "--cached-only", ...PERMISSIONS, "main.ts"],
      cwd: new URL("../../", import.meta.url),
      env: { ...UNSET, HOST: "127.0.0.1", PORT: port, LOG_LEVEL: "info", ...this.#settings },
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#output = this.#read(this.#process, resolve).catch(reject);
    this.url = await promise;
  }

  /** `kill -9`; resolves when it is dead. */
  async kill(): Promise<void> {
    const process = this.#process;
    this.#process = null;
    if (!process) return;
    process.kill("SIGKILL");
    await process.status;
    await this.#output;
  }

  async #read(process: Deno.ChildProcess, listens: (url: string) => void): Promise<void> {
    let rest = "";
    for await (const text of process.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      this.lines.push(...lines);
      for (const line of lines) {
        if (line.includes('"listening"')) listens(JSON.parse(line).url);
      }
    }
    if (!this.url) throw new Error("The server ended before it listened");
  }
}
