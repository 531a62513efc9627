/**
 * The part of the data model (`keys.ts`) that says how long a wearer's records stay.
 *
 * @module
 */
import type { Counts } from "./erasing_keys.ts";
import { type Stored, wearerPrefix } from "./keys.ts";

/** What a sweep has come to. */
export interface SweepFacts {
  readonly atMs: number;
  /** What was deleted, by the first part of the keys behind the wearer. */
  readonly counts: Counts;
  /** What was looked for again, and still is past its time: 0, or something is wrong. */
  readonly leftOlder: number;
}

/** How long a wearer's records stay, and what was swept last. */
export interface RetentionRecord extends Stored {
  /** Its own; 0: for good; null: as configured. */
  readonly days: number | null;
  readonly lastSweep: SweepFacts | null;
  /** The sweep that is under way, or whose process has died; `counts` grows with each deletion. */
  readonly sweep: { readonly id: string; readonly untilMs: number; readonly counts: Counts } | null;
}

/** Holds a {@link RetentionRecord}. */
export function retentionKey(wearer: string): Deno.KvKey {
  return [...wearerPrefix(wearer), "retention"];
}
