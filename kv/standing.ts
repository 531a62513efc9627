/**
 * What stands for a wearer and may be changed from outside at any moment, in small records that are
 * read for many wearers at once.
 *
 * @module
 */
import { type Clock, withDeadline } from "../clock.ts";
import { reasonOf } from "../log.ts";
import { until } from "./_until.ts";
import { cameraKey, type CameraRecord } from "./camera_keys.ts";
import { erasingKey, type ErasingRecord } from "./erasing_keys.ts";
import { ruleSetKey, type RuleSetRecord } from "./rule_keys.ts";

/** As many as Deno KV gets at once. */
const BATCH_KEYS = 10;
/** Nobody waits longer for KV. */
const TIMEOUT_MS = 2_000;

/** Each costs every process one key a second for each wearer that is followed there. */
const KEYS = [cameraKey, erasingKey, ruleSetKey];
type Entries = readonly [
  Deno.KvEntryMaybe<CameraRecord>,
  Deno.KvEntryMaybe<ErasingRecord>,
  Deno.KvEntryMaybe<RuleSetRecord>,
];

/** What stands for one wearer, at one moment. */
export interface Standing {
  /** Null: the camera is on. Its end may have come since. */
  readonly pause: CameraRecord | null;
  readonly isErasing: boolean;
  /** Another with each commit that touched a rule; null: the wearer never had any. */
  readonly rulesStamp: string | null;
}

/** What {@link readStandings} needs. */
export interface ReadStandingsOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
  /** Sees each read, which goes on until KV answers, though nobody waits for it any more. */
  readonly track: <T>(read: Promise<T>) => Promise<T>;
}

/** What KV said. */
export interface StandingsRead {
  /** By wearer; those that could not be read are missing. */
  readonly byWearer: ReadonlyMap<string, Standing>;
  /** Why some are missing; null: none is. */
  readonly failure: string | null;
}

/** Reads what stands for these wearers. Resolves always, in bounded time, and once `signal` aborts. */
export async function readStandings(
  { kv, clock, track }: ReadStandingsOptions,
  wearers: readonly string[],
  signal: AbortSignal,
): Promise<StandingsRead> {
  const byWearer = new Map<string, Standing>();
  let failure: string | null = null;
  const read = async (batch: readonly string[]) => {
    const keys = batch.flatMap((wearer) => KEYS.map((keyOf) => keyOf(wearer)));
    try {
      const entries = await withDeadline(
        clock,
        TIMEOUT_MS,
        signal,
        (within) => until(within, track(kv.getMany<unknown[]>(keys))),
      );
      batch.forEach((wearer, at) => {
        const own = entries.slice(at * KEYS.length, (at + 1) * KEYS.length);
        byWearer.set(wearer, standingOf(own as unknown as Entries));
      });
    } catch (error) {
      failure = reasonOf(error);
    }
  };
  await Promise.all(batchesOf(wearers).map(read));
  return { byWearer, failure };
}

/** Keys of one wearer are read together. */
function batchesOf(wearers: readonly string[]): string[][] {
  const size = Math.floor(BATCH_KEYS / KEYS.length);
  const count = Math.ceil(wearers.length / size);
  return Array.from({ length: count }, (_, at) => wearers.slice(at * size, (at + 1) * size));
}

function standingOf([camera, erasing, rules]: Entries): Standing {
  return {
    pause: camera.value,
    isErasing: erasing.value !== null,
    rulesStamp: rules.versionstamp,
  };
}
