/**
 * Whether a wearer's camera is paused, as the books have it.
 *
 * @module
 */
import { type Clock, withDeadline } from "../clock.ts";
import { CONFLICT, retryContended } from "./_retry_contended.ts";
import { until } from "./_until.ts";
import { hasExpired } from "./keys.ts";
import { cameraKey, type CameraRecord } from "./camera_keys.ts";

/** A request waits for KV no longer than that. */
const TIMEOUT_MS = 2_000;

/** One wearer's record. Every method rejects with KV's own error, or when KV does not answer. */
export interface CameraBook {
  /** Null: the camera is on. */
  get(): Promise<CameraRecord | null>;
  /**
   * Pauses it, or gives the pause that there is another end.
   *
   * @param untilMs null: until {@link unpause}
   */
  pause(untilMs: number | null): Promise<CameraRecord>;
  /** Ends the pause, if there is one. */
  unpause(): Promise<void>;
}

/** What a {@link CameraBook} needs. */
export interface CameraBookOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
}

/** Opens the book of one wearer; it holds nothing of its own and need not be closed. */
export function openCameraBook({ kv, clock }: CameraBookOptions, wearer: string): CameraBook {
  const key = cameraKey(wearer);
  const inTime = <T>(work: () => Promise<T>) =>
    withDeadline(clock, TIMEOUT_MS, null, (within) => until(within, work()));
  const standing = ({ value }: Deno.KvEntryMaybe<CameraRecord>) =>
    value && !hasExpired(value, clock.epochMs()) ? value : null;

  return {
    get: () => inTime(async () => standing(await kv.get<CameraRecord>(key))),
    pause: (untilMs) =>
      inTime(() =>
        retryContended(clock, "pause the camera", async () => {
          const entry = await kv.get<CameraRecord>(key);
          const nowMs = clock.epochMs();
          const sinceMs = standing(entry)?.sinceMs ?? nowMs;
          const record: CameraRecord = { version: 1, sinceMs, expiresAtMs: untilMs };
          const kept = untilMs === null ? {} : { expireIn: Math.max(1, untilMs - nowMs) };
          const { ok } = await kv.atomic().check(entry).set(key, record, kept).commit();
          return ok ? record : CONFLICT;
        })
      ),
    // Without a check, so that it waits where the file is locked.
    unpause: () => inTime(() => kv.delete(key)),
  };
}
