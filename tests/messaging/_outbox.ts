/**
 * An outbox of one process for tests: real KV, and channels, clock and chance of the test's own.
 *
 * @module
 */
import { type Clock, systemClock } from "../../clock.ts";
import { createCounters } from "../../counters.ts";
import type { MessageRecord } from "../../kv/outbox_keys.ts";
import { createRateLimiter } from "../../kv/rate_limits.ts";
import { createLogger } from "../../log.ts";
import type { Channel, DeliveryOutcome, Message } from "../../messaging/channel.ts";
import { createChannels } from "../../messaging/channels.ts";
import { type NewMessage, Outbox, type Wanted } from "../../messaging/outbox.ts";
import { createFakeClock } from "../_fake_clock.ts";

export const WEARER = "ann";
export const DELIVERED = {
  kind: "delivered",
  answer: { id: 7 },
} as const satisfies DeliveryOutcome;
export const REFUSED = {
  kind: "failed",
  cause: "503",
  retryable: true,
} as const satisfies DeliveryOutcome;
export const UNFIT = {
  kind: "failed",
  cause: "410",
  retryable: false,
} as const satisfies DeliveryOutcome;
export const LOST = { kind: "uncertain", cause: "no answer" } as const satisfies DeliveryOutcome;

/** A channel that does as it is told, and notes what it was given. */
export interface ScriptedChannel extends Channel {
  readonly sent: Message[];
  /** What becomes of the messages, in order; the last stands for all that follow. */
  outcomes: (DeliveryOutcome | Promise<DeliveryOutcome>)[];
}

export function scriptedChannel(isIdempotent: boolean): ScriptedChannel {
  return {
    isIdempotent,
    sent: [],
    outcomes: [DELIVERED],
    deliver(message) {
      this.sent.push(message);
      const next = this.outcomes.length > 1 ? this.outcomes.shift()! : this.outcomes[0]!;
      return Promise.resolve(next);
    },
  };
}

/** Everybody has this key. */
export function everyonesKey(key: string) {
  return () => Promise.resolve({ kind: "found", key } as const);
}

/** What a test may choose. */
export interface BenchOptions {
  readonly clock?: Clock;
  readonly channels?: Readonly<Record<string, Channel>>;
  readonly perDay?: number;
  readonly retentionDays?: number;
  readonly random?: () => number;
  readonly wanted?: (message: MessageRecord) => Promise<Wanted>;
}

/** Longer than KV's users pause where a lock is held, and shorter than all that the outbox waits for. */
const PAUSE_MS = 200;

/** A test that holds the time still must not hold up who waits for a lock of the database. */
function withRealPauses(clock: Clock): Clock {
  return {
    ...clock,
    after: (ms, run) => ms < PAUSE_MS ? systemClock.after(ms, run) : clock.after(ms, run),
  };
}

/** An outbox, and what the test holds of it. */
export function createBench(kv: Deno.Kv, options: BenchOptions = {}) {
  const clock = createFakeClock();
  const once = scriptedChannel(false);
  const folding = scriptedChannel(true);
  const lines: string[] = [];
  const own = withRealPauses(options.clock ?? clock);
  const counters = createCounters();
  const outbox = new Outbox({
    kv,
    clock: own,
    channels: createChannels({ once, folding, ...options.channels }),
    rateLimiter: createRateLimiter({ kv, clock: own }),
    perDay: options.perDay ?? 0,
    retentionDays: options.retentionDays ?? 30,
    wanted: options.wanted ?? (() => Promise.resolve({ kind: "yes" })),
    newId: () => crypto.randomUUID(),
    random: options.random ?? (() => 0),
    counters,
    log: createLogger("debug", (line) => void lines.push(line)),
  });
  let named = 0;
  /** Writes a cause and its message in one commit, as who has something to say does. */
  const add = async (message: Partial<NewMessage> = {}): Promise<string> => {
    const name = message.name ?? `message ${named++}`;
    const commit = kv.atomic().set(["cause", name], true);
    const id = await outbox.enqueue(commit, {
      wearer: WEARER,
      channel: "once",
      text: "The stove is on.",
      cause: { kind: "rule", id: "stove" },
      atMs: own.epochMs(),
      ...message,
      name,
    });
    await commit.commit();
    return id;
  };
  const get = async (id: string, wearer = WEARER): Promise<MessageRecord> => {
    const record = await outbox.store.get(wearer, id);
    if (!record) throw new Error(`There is no message ${id}`);
    return record;
  };
  /** Moves time on, and sends what has fallen due by then. */
  const pass = async (ms: number): Promise<void> => {
    clock.tick(ms);
    await outbox.sweep();
  };
  return { outbox, clock, once, folding, lines, counters, add, get, pass };
}

/** All keys in the database that begin so. */
export async function keysIn(kv: Deno.Kv, prefix: Deno.KvKey): Promise<Deno.KvKey[]> {
  return (await Array.fromAsync(kv.list({ prefix }))).map(({ key }) => key);
}

/** Looks again and again, while real I/O goes on. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 1));
}
