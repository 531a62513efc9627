/**
 * What a load costs a server.
 *
 * @module
 */
import { connectLoad, type LoadSize } from "./_load.ts";
import { usageOf } from "./_proc.ts";
import type { Contender, Server } from "./_servers.ts";

/** What a stream that has left still does must not fall into the next measurement. */
const SETTLE_MS = 500;
/** A server has been up for a moment when its first client comes; what it loads by then is loaded. */
const READY_MS = 1000;

/** What one load came to. */
export interface Round {
  readonly framesPerS: number;
  readonly cpuUsPerAck: number;
  readonly ackMs: { readonly p50: number; readonly p95: number; readonly p99: number };
  /** At the end of the load, with every connection still open. */
  readonly rssMib: number;
  readonly captions: number;
  readonly failures: number;
}

/** What one life of a server is to see. */
export interface LifePlan {
  /** The loads, alike but for the number of frames. */
  readonly sizes: readonly LoadSize[];
  /** V8 sizes its heap by what it sees: an ack costs up to a third less after 100,000. */
  readonly warmUpFrames: number;
}

/** What one life of a server came to. */
export interface Life {
  /** The first load that the process ever saw, of the first size. */
  readonly cold: Round;
  /** One round for each size, after the warm-up. */
  readonly warm: readonly Round[];
}

/**
 * Starts the server, measures each load and stops it. A new process each time, because two of the
 * same program differ by more than rounds of one do.
 */
export async function measureLife(
  contender: Contender,
  { sizes, warmUpFrames }: LifePlan,
): Promise<Life> {
  const server = await contender.start();
  try {
    await new Promise((resolve) => setTimeout(resolve, READY_MS));
    const cold = await measureRound(server, sizes[0]!);
    await measureRound(server, { ...sizes[0]!, frames: warmUpFrames });
    const warm: Round[] = [];
    for (const size of sizes) warm.push(await measureRound(server, size));
    return { cold, warm };
  } finally {
    await server.child.stop();
  }
}

/** Drives one load; opening and closing the connections is not measured. */
async function measureRound({ child, target }: Server, size: LoadSize): Promise<Round> {
  const load = await connectLoad(target, size);
  try {
    const before = await usageOf(child.pid);
    const { frames, seconds, ackMs, captions, failures } = await load.run();
    const after = await usageOf(child.pid);
    return {
      framesPerS: frames / seconds,
      cpuUsPerAck: (after.cpuUs - before.cpuUs) / frames,
      ackMs,
      rssMib: after.rssMib,
      captions,
      failures,
    };
  } finally {
    await load.close();
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  }
}
