/**
 * A container of the stand-in for Modal: the describer in a Web Worker of its own, so that
 * decoding does not hold up the event loop that acknowledges frames.
 *
 * @module
 */
import { type Description, UndecodableFramesError } from "./describer.ts";
import type { DescribeReply, DescribeRequest } from "./worker.ts";

/** A describer that runs beside this thread. */
export interface DescriberContainer {
  /**
   * Describes a chunk as `describeFrames` does; calls are answered in the order they are made.
   * The first call starts the Worker. The frames are copied, so the caller may go on using them.
   *
   * @throws {UndecodableFramesError} If there are frames and none can be decoded.
   * @throws {DescriberStoppedError} If the container is or gets closed, or its Worker dies.
   */
  describe(frames: readonly Uint8Array[]): Promise<Description>;
  /** Stops the Worker at once and rejects what is pending. A second call does nothing. */
  close(): void;
}

/** The container stopped before it had an answer. */
export class DescriberStoppedError extends Error {
  override name = "DescriberStoppedError";
}

/**
 * Creates a container. It must be closed: its Worker keeps the process alive.
 *
 * @param workerUrl Another Worker that speaks as `worker.ts` does, for tests.
 */
export function createDescriberContainer(
  workerUrl: URL = new URL("./worker.ts", import.meta.url),
): DescriberContainer {
  return new WorkerContainer(workerUrl);
}

/** A call that waits for its answer. */
interface Pending {
  readonly framesGiven: number;
  readonly resolve: (description: Description) => void;
  readonly reject: (reason: Error) => void;
}

class WorkerContainer implements DescriberContainer {
  #worker: Worker | undefined;
  #closed = false;
  #lastId = 0;
  readonly #pending = new Map<number, Pending>();
  readonly #workerUrl: URL;

  constructor(workerUrl: URL) {
    this.#workerUrl = workerUrl;
  }

  describe(frames: readonly Uint8Array[]): Promise<Description> {
    const { promise, resolve, reject } = Promise.withResolvers<Description>();
    if (this.#closed) {
      reject(new DescriberStoppedError("Cannot describe frames as the describer is closed"));
      return promise;
    }
    this.#worker ??= this.#start();
    const id = ++this.#lastId;
    this.#worker.postMessage({ id, frames } satisfies DescribeRequest);
    this.#pending.set(id, { framesGiven: frames.length, resolve, reject });
    return promise;
  }

  close(): void {
    this.#closed = true;
    this.#stop("the describer is closed");
  }

  #start(): Worker {
    const worker = new Worker(this.#workerUrl, { type: "module", name: "describer" });
    worker.onmessage = ({ data }: MessageEvent<DescribeReply>) => this.#settle(data);
    worker.onmessageerror = () => this.#stop("its Worker sent what cannot be read");
    worker.onerror = (event) => {
      // Left alone, the event would end the process: here it ends a container, and the next call
      // starts another.
      event.preventDefault();
      this.#stop(`its Worker failed: ${event.message}`);
    };
    return worker;
  }

  #settle(reply: DescribeReply): void {
    const call = this.#pending.get(reply.id);
    if (!call) return;
    this.#pending.delete(reply.id);
    if (reply.ok) call.resolve(reply.description);
    else call.reject(revive(reply.error, call.framesGiven));
  }

  #stop(reason: string): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    const calls = [...this.#pending.values()];
    this.#pending.clear();
    for (const call of calls) {
      call.reject(new DescriberStoppedError(`Cannot describe frames as ${reason}`));
    }
  }
}

/** The error of the Worker's side, as this side would have thrown it. */
function revive({ name, message }: { name: string; message: string }, framesGiven: number): Error {
  if (name === UndecodableFramesError.name) return new UndecodableFramesError(framesGiven);
  const error = new Error(message);
  error.name = name;
  return error;
}
