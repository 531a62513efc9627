/**
 * Footage through the governor, and what came of it.
 *
 * @module
 */
import { Chunker } from "../inference/chunker.ts";
import { FrameGovernor } from "../stream/governor/governor.ts";

/** One frame of footage. */
export interface TimedFrame {
  readonly atS: number;
  readonly jpeg: Uint8Array;
}

/** What a stream of these frames would ask of the model. */
export interface Savings {
  readonly callsWithout: number;
  readonly callsWith: number;
}

/** As `config.ts` has them by default. */
const LIMITS = { chunkMs: 1000, maxBufferFrames: 120, maxFramesPerChunk: 6 };
const HEARTBEAT_MS = 10_000;

/** Counts the chunks that leave with and without the governor, by a model that answers at once. */
export function savingsOf(frames: readonly TimedFrame[]): Savings {
  const governor = new FrameGovernor({ heartbeatMs: HEARTBEAT_MS });
  return {
    callsWithout: callsOf(frames, () => true),
    callsWith: callsOf(frames, ({ jpeg, atS }) => !governor.isSimilar(jpeg, 1000 * atS)),
  };
}

function callsOf(
  frames: readonly TimedFrame[],
  goesIn: (frame: TimedFrame) => boolean,
): number {
  const chunker = new Chunker(LIMITS);
  let calls = 0;
  for (const frame of frames) {
    if (goesIn(frame)) chunker.add({ bytes: frame.jpeg, atS: frame.atS });
    if (!chunker.isDue(frame.atS)) continue;
    chunker.take(frame.atS);
    calls++;
  }
  return calls;
}

/** When frames were let through, in seconds, without a heartbeat that would hide what was missed. */
export function passedAtS(frames: readonly TimedFrame[]): number[] {
  const governor = new FrameGovernor({ heartbeatMs: 0 });
  return frames.filter(({ jpeg, atS }) => !governor.isSimilar(jpeg, 1000 * atS))
    .map(({ atS }) => atS);
}

/** How long each call took, in microseconds, in rising order, once V8 has compiled it. */
export function costsOf(jpegs: readonly Uint8Array[]): number[] {
  const governor = new FrameGovernor({ heartbeatMs: 0 });
  const costs: number[] = [];
  for (let turn = 0; turn < WARM_UP + MEASURED; turn++) {
    const startMs = performance.now();
    governor.isSimilar(jpegs[turn % jpegs.length]!, turn);
    if (turn >= WARM_UP) costs.push(1000 * (performance.now() - startMs));
  }
  return costs.sort((a, b) => a - b);
}

const WARM_UP = 300;
const MEASURED = 600;
