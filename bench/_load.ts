/**
 * A load generator: connections in closed loop, each with a window of unacknowledged frames, and
 * every ack checked. Frames are encoded once and written to raw TCP, so that it costs little beside
 * the server it measures.
 *
 * @module
 */
import { LoadConnection, type LoadPlan, type LoadTarget } from "./_load_connection.ts";
import { percentile } from "./_statistics.ts";
import { encodeBinary } from "./_websocket.ts";

/** A server that acknowledges nothing for so long has failed. */
const DEFAULT_STALL_MS = 10_000;
/** `crypto.getRandomValues` gives no more at once. */
const MAX_RANDOM_BYTES = 65_536;

/** How much to send. */
export interface LoadSize {
  readonly connections: number;
  /** Frames over all connections; they are shared out evenly. */
  readonly frames: number;
  /** Bytes of one frame. */
  readonly bytes: number;
  /** Unacknowledged frames of one connection at a time. */
  readonly window: number;
}

/** What was seen. */
export interface LoadReport {
  readonly frames: number;
  /** From the first frame sent to the last ack. */
  readonly seconds: number;
  readonly captions: number;
  /** Inferences that the server said had failed. */
  readonly failures: number;
  readonly ackMs: { readonly p50: number; readonly p95: number; readonly p99: number };
}

/** Connections that are ready to send. */
export interface Load {
  /**
   * Sends everything and waits for every ack. It runs once.
   *
   * @throws {Error} at the first wrong ack, or when a connection ends or stalls; all are then closed
   */
  run(): Promise<LoadReport>;
  /** Ends the connections. */
  close(): Promise<void>;
}

/**
 * Opens the connections, one after another.
 *
 * @param stallMs how long no ack at all may come, in milliseconds
 * @throws {Error} if the server refuses one
 */
export async function connectLoad(
  target: LoadTarget,
  size: LoadSize,
  stallMs: number = DEFAULT_STALL_MS,
): Promise<Load> {
  const connections: LoadConnection[] = [];
  const close = async () => {
    await Promise.all(connections.map((connection) => connection.close()));
  };
  try {
    while (connections.length < size.connections) {
      connections.push(await LoadConnection.open(target));
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { run: () => drive(connections, size, stallMs), close };
}

async function drive(
  connections: readonly LoadConnection[],
  { frames, bytes, window }: LoadSize,
  stallMs: number,
): Promise<LoadReport> {
  const ackMs = new Float64Array(frames);
  let acked = 0;
  const plan = {
    frameBytes: bytes,
    window,
    encoded: repeated(encodeBinary(pretendedJpeg(bytes)), window),
    acked: (ms: number) => void (ackMs[acked++] = ms),
  };
  const startedAtMs = performance.now();
  const ledgers = await withoutStall(stallMs, () => acked, connections, (connection, at) => {
    const share = Math.floor(frames / connections.length) +
      (at < frames % connections.length ? 1 : 0);
    return connection.run({ ...plan, frames: share } satisfies LoadPlan);
  });
  const seconds = (performance.now() - startedAtMs) / 1000;
  ackMs.sort();
  return {
    frames,
    seconds,
    captions: ledgers.reduce((sum, { captions }) => sum + captions, 0),
    failures: ledgers.reduce((sum, { failures }) => sum + failures, 0),
    ackMs: { p50: percentile(ackMs, 50), p95: percentile(ackMs, 95), p99: percentile(ackMs, 99) },
  };
}

/** Runs all connections to their end; the first failure, or a standstill, ends them all. */
async function withoutStall<T>(
  stallMs: number,
  progress: () => number,
  connections: readonly LoadConnection[],
  run: (connection: LoadConnection, at: number) => Promise<T>,
): Promise<T[]> {
  let failure: unknown;
  const fail = (error: unknown) => {
    failure ??= error;
    for (const connection of connections) connection.abort();
  };
  let seen = -1;
  const watch = setInterval(() => {
    if (progress() === seen) fail(new Error(`No ack came for ${stallMs} ms, after ${seen}`));
    seen = progress();
  }, stallMs);
  const running = connections.map((connection, at) => run(connection, at));
  for (const one of running) one.catch(fail);
  const outcomes = await Promise.allSettled(running);
  clearInterval(watch);
  if (failure !== undefined) throw failure;
  return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<T>).value);
}

/** Bytes that begin and end as a JPEG does and cannot be compressed on their way. */
function pretendedJpeg(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += MAX_RANDOM_BYTES) {
    crypto.getRandomValues(bytes.subarray(at, at + MAX_RANDOM_BYTES));
  }
  if (length >= 4) {
    bytes.set([0xff, 0xd8]);
    bytes.set([0xff, 0xd9], length - 2);
  }
  return bytes;
}

function repeated(bytes: Uint8Array, times: number): Uint8Array {
  const all = new Uint8Array(bytes.byteLength * times);
  for (let at = 0; at < all.byteLength; at += bytes.byteLength) all.set(bytes, at);
  return all;
}
