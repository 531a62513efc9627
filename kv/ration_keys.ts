/**
 * The part of the data model (`keys.ts`) that says how much of what is rationed a wearer has used.
 *
 * @module
 */
import { type Stored, wearerPrefix } from "./keys.ts";

/** What is rationed. */
export type RateLimitScope = "poke" | "streams" | "outbox";

/** The passes that one identity took lately. */
export interface RateLimitRecord extends Stored {
  /** Wall time of each pass, in no order that can be relied on: clocks differ. */
  readonly takenAtMs: readonly number[];
}

/** What was used in one stretch of time: when it began, calls, seconds of GPU. */
export type Tally = readonly [startMs: number, calls: number, gpuSeconds: number];

/** Calls that one process may still make: they count as if they had been made. */
export interface CallLot {
  /** Which account of which process; a random id. */
  readonly accountId: string;
  readonly calls: number;
  /** From this moment the process makes none of them any more. */
  readonly untilMs: number;
  /** So many of the calls that the account ever took are in the tallies. */
  readonly bookedCalls: number;
  /** So much of the GPU time that the account ever reported is in the tallies. */
  readonly bookedGpuSeconds: number;
}

/** What a wearer used lately, and what processes have put aside to use. */
export interface CallBudgetRecord extends Stored {
  /** The last minute, by the second. */
  readonly seconds: readonly Tally[];
  /** The last day, by the quarter of an hour. */
  readonly quarters: readonly Tally[];
  readonly lots: readonly CallLot[];
}

/** One open stream. */
export interface StreamPlace {
  readonly streamId: string;
  /** Who renews it: a random id, new each time that the place is taken. */
  readonly leaseId: string;
  /** From this moment the place is free, unless it was renewed. */
  readonly untilMs: number;
}

/** The open streams of a wearer: one value, so that nobody can count it while it changes. */
export interface StreamPlacesRecord extends Stored {
  readonly places: readonly StreamPlace[];
}

/** Holds a {@link CallBudgetRecord}. */
export function callBudgetKey(wearer: string): Deno.KvKey {
  return [...wearerPrefix(wearer), "call_budget"];
}

/** Holds a {@link StreamPlacesRecord}. */
export function streamPlacesKey(wearer: string): Deno.KvKey {
  return [...wearerPrefix(wearer), "stream_places"];
}

/** Holds a {@link RateLimitRecord}. */
export function rateLimitKey(
  wearer: string,
  scope: RateLimitScope,
  identityHash: string,
): Deno.KvKey {
  return [...wearerPrefix(wearer), "rate_limit", scope, identityHash];
}
