/**
 * How often something may be done, shared by all processes on one database.
 *
 * A sliding log: the times of the passes of the last window lie in one value, replaced by
 * check-and-set. So no window lets more than the limit through, which fixed windows (twice the
 * limit around their edge) and token buckets (a burst on top) do not promise.
 *
 * @module
 */
import { type Clock, withDeadline } from "../clock.ts";
import { reasonOf } from "../log.ts";
import { Lines } from "./_lines.ts";
import { CONFLICT, retryContended } from "./_retry_contended.ts";
import { until } from "./_until.ts";
import { rateLimitKey, type RateLimitRecord, type RateLimitScope } from "./ration_keys.ts";
import { sha256Hex } from "./sha256.ts";

/** The highest limit: at 9 bytes a pass the value stays below KV's 64 KiB. */
export const MAX_RATE_LIMIT = 5_000;

/** How long to hold off when the database gave no answer. */
const UNAVAILABLE_RETRY_MS = 1_000;

/** Whoever waits for longer is sent away: a database that hangs must not gather a crowd. */
const TAKE_TIMEOUT_MS = 2_000;

/** One pass that somebody asks for. */
export interface TakeRequest {
  readonly wearer: string;
  readonly scope: RateLimitScope;
  /** Whose passes of the wearer are counted: any text; only its hash is stored. */
  readonly identity: string;
  /** Passes in any window, 1 to {@link MAX_RATE_LIMIT}; 0: no limit. */
  readonly limit: number;
  readonly windowMs: number;
}

/** Whether the pass was given. */
export type TakeOutcome =
  | {
    readonly kind: "allowed";
    /** Passes left at this moment; Infinity where there is no limit. */
    readonly remaining: number;
  }
  | {
    readonly kind: "limited";
    /** When the next pass comes free, above 0. */
    readonly retryAfterMs: number;
  }
  | {
    /**
     * The database could not say. No pass was given: a limit that opens when it is pressed hard
     * is none, and what it guards (messages to people, GPU time) cannot be taken back.
     */
    readonly kind: "unavailable";
    readonly retryAfterMs: number;
    /** For the log. */
    readonly reason: string;
  };

/** Gives out passes. */
export interface RateLimiter {
  /**
   * Asks for one pass. Refusals and a KV that fails are outcomes.
   *
   * @throws {RangeError} if the limit or the window is out of range
   */
  take(request: TakeRequest): Promise<TakeOutcome>;
}

/** What a {@link RateLimiter} needs. */
export interface RateLimiterOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
}

/**
 * Opens the limiter; it need not be closed.
 *
 * Windows are exact for processes whose clocks agree; clocks that are S apart may shorten a window
 * by S.
 */
export function createRateLimiter(options: RateLimiterOptions): RateLimiter {
  return new KvRateLimiter(options);
}

class KvRateLimiter implements RateLimiter {
  readonly #kv: Deno.Kv;
  readonly #clock: Clock;
  readonly #lines = new Lines();

  constructor({ kv, clock }: RateLimiterOptions) {
    this.#kv = kv;
    this.#clock = clock;
  }

  async take(request: TakeRequest): Promise<TakeOutcome> {
    checkRequest(request);
    if (request.limit === 0) return { kind: "allowed", remaining: Infinity };
    try {
      return await withDeadline(
        this.#clock,
        TAKE_TIMEOUT_MS,
        null,
        (within) => until(within, this.#takeInLine(request, within)),
      );
    } catch (error) {
      const reason = reasonOf(error);
      return { kind: "unavailable", retryAfterMs: UNAVAILABLE_RETRY_MS, reason };
    }
  }

  async #takeInLine(request: TakeRequest, within: AbortSignal): Promise<TakeOutcome> {
    const identityHash = await sha256Hex(request.identity);
    const key = rateLimitKey(request.wearer, request.scope, identityHash);
    return this.#lines.enter(JSON.stringify(key), () => {
      within.throwIfAborted();
      return retryContended(this.#clock, "count the pass", () => this.#attempt(key, request));
    });
  }

  async #attempt(
    key: Deno.KvKey,
    { limit, windowMs }: TakeRequest,
  ): Promise<TakeOutcome | typeof CONFLICT> {
    const entry = await this.#kv.get<RateLimitRecord>(key);
    const nowMs = this.#clock.epochMs();
    const { taken, isRepaired } = recentPasses(entry.value?.takenAtMs ?? [], nowMs, windowMs);
    const isAllowed = taken.length < limit;
    if (isAllowed || isRepaired) {
      const takenAtMs = isAllowed ? [...taken, nowMs] : taken;
      // Twice the window: another process, whose clock is ahead, may collect the garbage.
      const expireIn = Math.ceil(2 * windowMs);
      const record: RateLimitRecord = { version: 1, expiresAtMs: nowMs + expireIn, takenAtMs };
      const { ok } = await this.#kv.atomic().check(entry).set(key, record, { expireIn }).commit();
      if (!ok) return CONFLICT;
    }
    if (isAllowed) return { kind: "allowed", remaining: limit - taken.length - 1 };
    // More passes than the limit may be on record if the limit was lowered since.
    const freesAtMs = taken[taken.length - limit]! + windowMs;
    return { kind: "limited", retryAfterMs: Math.max(1, Math.ceil(freesAtMs - nowMs)) };
  }
}

/**
 * The passes that still count, oldest first. A process whose clock is ahead leaves passes in our
 * future: they count, and expire by themselves. More than a window ahead, somebody's clock was
 * wrong: such a pass is taken to be from now, lest it count for years.
 */
function recentPasses(
  stored: readonly number[],
  nowMs: number,
  windowMs: number,
): { taken: number[]; isRepaired: boolean } {
  const isBeyond = (atMs: number) => atMs > nowMs + windowMs;
  const taken = stored
    .filter((atMs) => atMs + windowMs > nowMs)
    .map((atMs) => isBeyond(atMs) ? nowMs : atMs)
    .sort((a, b) => a - b);
  return { taken, isRepaired: stored.some(isBeyond) };
}

function checkRequest({ limit, windowMs }: TakeRequest): void {
  if (!Number.isInteger(limit) || limit < 0 || limit > MAX_RATE_LIMIT) {
    throw new RangeError(
      `Cannot take a pass as the limit must be a whole number from 0 to ${MAX_RATE_LIMIT}: current value is ${limit}`,
    );
  }
  if (!(windowMs > 0 && windowMs < Infinity)) {
    throw new RangeError(
      `Cannot take a pass as the window must be above 0 ms: current value is ${windowMs}`,
    );
  }
}
