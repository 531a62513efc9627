/**
 * Reading the command line.
 *
 * @module
 */
import { parseArgs } from "node:util";
import type { TransportName } from "../serve/transport.ts";
import type { LifePlan } from "./_measure.ts";

/** What a run is to do. */
export interface BenchOptions {
  readonly plan: LifePlan;
  readonly rounds: number;
  /** How Foresight serves, and the bare echo beside it. */
  readonly transport: TransportName;
  /** Where the report goes as data; null: nowhere. */
  readonly jsonPath: string | null;
}

const TEXT = { type: "string" } as const;
/** 10,000 frames pass before the first chunk is due; 100,000 take long enough for captions. */
const DEFAULT_FRAMES = "10000,100000";

/**
 * Reads the options.
 *
 * @throws {Error} naming the option, what it must be and what it is
 */
export function optionsOf(args: string[]): BenchOptions {
  const { values } = parseArgs({
    args,
    options: {
      frames: { ...TEXT, default: DEFAULT_FRAMES },
      connections: { ...TEXT, default: "8" },
      bytes: { ...TEXT, default: "50000" },
      "warm-up": { ...TEXT, default: "100000" },
      window: { ...TEXT, default: "4" },
      rounds: { ...TEXT, default: "7" },
      transport: { ...TEXT, default: "ws" },
      json: TEXT,
    },
  });
  const connections = countOf("connections", values.connections);
  const bytes = countOf("bytes", values.bytes);
  const window = countOf("window", values.window);
  const sizes = values.frames.split(",").map((text) => {
    return { connections, frames: countOf("frames", text), bytes, window };
  });
  const plan = { sizes, warmUpFrames: countOf("warm-up", values["warm-up"]) };
  const rounds = countOf("rounds", values.rounds);
  const transport = transportOf(values.transport);
  return { plan, rounds, transport, jsonPath: values.json ?? null };
}

function countOf(name: string, text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new Error(
    `Cannot use --${name} as it must be a whole number above 0: current value is ${text}`,
  );
}

function transportOf(text: string): TransportName {
  if (text === "ws" || text === "native") return text;
  throw new Error(
    `Cannot use --transport as it must be ws or native: current value is ${text}`,
  );
}
