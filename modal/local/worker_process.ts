/**
 * A container of the stand-in that is a process of its own, in any language: it is asked and answers
 * in lines of JSON on its standard streams (`modal/worker.py` says how).
 *
 * @module
 */

/** How the process is started. */
export interface WorkerCommand {
  readonly command: string;
  readonly args: readonly string[];
}

/** A process that answers calls. */
export interface WorkerProcess {
  /**
   * Calls a method; bytes in `args` travel as base64. The first call starts the process, and so does the
   * first after it died.
   *
   * @throws {Error} as the method did, by name and message, or `WorkerDied`
   */
  call(method: string, args: Record<string, unknown>, signal: AbortSignal): Promise<unknown>;
  /** Ends the process; what runs is given up. */
  close(): Promise<void>;
}

interface Running {
  readonly input: WritableStreamDefaultWriter<Uint8Array>;
  readonly ready: Promise<void>;
  /** Whether it can still answer. */
  isAlive: boolean;
  readonly ended: Promise<void>;
  readonly pending: Map<number, PromiseWithResolvers<unknown>>;
}

interface Line {
  readonly id?: number;
  readonly ready?: true;
  readonly result?: unknown;
  readonly error?: { readonly name: string; readonly message: string };
}

/** Keeps a process for calls; it starts when the first call comes. */
export function createWorkerProcess(command: WorkerCommand): WorkerProcess {
  let running: Running | null = null;
  let lastId = 0;
  /** Processes that have not quite ended, the one that runs among them. */
  const ending = new Set<Promise<void>>();

  const start = (): Running => {
    const started = startWorker(command, () => {
      if (running === started) running = null;
    });
    const ended = started.ended.finally(() => ending.delete(ended));
    ending.add(ended);
    return started;
  };

  return {
    async call(method, args, signal) {
      running ??= start();
      const worker = running;
      const { input, pending } = worker;
      await worker.ready;
      if (!worker.isAlive) throw died();
      const id = ++lastId;
      const call = Promise.withResolvers<unknown>();
      pending.set(id, call);
      const cancel = () => void send(input, { id, cancel: true });
      signal.addEventListener("abort", cancel, { once: true });
      await send(input, { id, method, args });
      try {
        return await call.promise;
      } finally {
        pending.delete(id);
        signal.removeEventListener("abort", cancel);
      }
    },
    async close() {
      await running?.input.close().catch(() => {});
      await Promise.all(ending);
    },
  };
}

/** @param gone called when the process has ended, before anyone whose call is lost hears of it */
function startWorker({ command, args }: WorkerCommand, gone: () => void): Running {
  const child = new Deno.Command(command, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const pending: Running["pending"] = new Map();
  const ready = Promise.withResolvers<void>();
  const input = child.stdin.getWriter();
  const ended = readLines(child.stdout, (line) => {
    if (line.ready) ready.resolve();
    const call = pending.get(line.id ?? 0);
    if (line.error) call?.reject(Object.assign(new Error(line.error.message), line.error));
    else call?.resolve(line.result);
  }).then(async () => {
    worker.isAlive = false;
    gone();
    ready.reject(died());
    for (const call of pending.values()) call.reject(died());
    await Promise.all([input.abort().catch(() => {}), child.status]);
  });
  ready.promise.catch(() => {}); // whoever calls hears of it
  const worker: Running = { input, ready: ready.promise, isAlive: true, ended, pending };
  return worker;
}

function died(): Error {
  const error = new Error("The process of the model ended before it answered");
  error.name = "WorkerDied";
  return error;
}

/** A process that is gone does not hear; that it is gone is told by its output. */
async function send(input: Running["input"], message: unknown): Promise<void> {
  const json = JSON.stringify(message, bytesAsBase64);
  await input.write(new TextEncoder().encode(`${json}\n`)).catch(() => {});
}

/** Looks at the holder, as a Buffer would already have turned itself into something else. */
function bytesAsBase64(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const held = this[key];
  return held instanceof Uint8Array ? held.toBase64() : value;
}

async function readLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  heard: (line: Line) => void,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) heard(JSON.parse(line));
  }
}
