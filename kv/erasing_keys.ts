/**
 * The part of the data model (`keys.ts`) that says that a wearer is being erased.
 *
 * @module
 */
import { type Stored, wearerPrefix } from "./keys.ts";

/** How many records there were, by the first part of their keys behind the wearer. */
export type Counts = Readonly<Record<string, number>>;

/** A wearer that is being erased: written first, deleted last. */
export interface ErasingRecord extends Stored {
  readonly startedAtMs: number;
  /** Who erases: a random id of its process; who does not renew it has died. */
  readonly worker: { readonly id: string; readonly untilMs: number };
  /** What is erased so far, changed in the commits that erase. */
  readonly counts: Counts;
}

/** Holds an {@link ErasingRecord}. While it is there nothing else of the wearer is written. */
export function erasingKey(wearer: string): Deno.KvKey {
  return [...wearerPrefix(wearer), "erasing"];
}
