/**
 * The parts of a Foresight, put together for one process: all that the application is made of
 * (`app.ts`), but for how it is served.
 *
 * @module
 */
import type { Deps } from "./app.ts";
import { systemClock } from "./clock.ts";
import type { Config } from "./config.ts";
import { createCounters } from "./counters.ts";
import { createBudgets } from "./kv/budgets.ts";
import { fencedKv } from "./kv/fenced_kv.ts";
import { openMannersBook } from "./kv/manners.ts";
import { createRateLimiter } from "./kv/rate_limits.ts";
import type { ScrubOutcome } from "./kv/scrub.ts";
import type { Logger } from "./log.ts";
import { Outbox } from "./messaging/outbox.ts";
import { createPokeChannel } from "./messaging/poke.ts";
import { PokeKeys } from "./messaging/poke_keys.ts";
import { createWaysOut } from "./messaging/ways_out.ts";
import { createInference } from "./models.ts";
import { createStillWanted } from "./rules/still_wanted.ts";
import { createRuleStore } from "./rules/store.ts";
import { LiveStreams } from "./stream/live_streams.ts";
import { Compaction } from "./timeline/search/compaction.ts";
import { forgetSearchDays } from "./timeline/search/forgetting.ts";
import { Watchers } from "./timeline/watchers.ts";
import { Erasures } from "./wearers/erasures.ts";
import { StandingOrders } from "./wearers/orders.ts";
import { Sweeps } from "./wearers/sweeps.ts";

/** What the application is made of, but for how it is served. */
export interface Parts extends Omit<Deps, "upgrade" | "memory"> {
  readonly erasures: Erasures;
  readonly sweeps: Sweeps;
}

/** What parts are made of. */
export interface PartsOptions {
  readonly config: Config;
  /** Stays the caller's to close, after {@link closeParts}. */
  readonly kv: Deno.Kv;
  readonly log: Logger;
  /** Takes what was deleted out of the database file; null: it is not ours. */
  readonly scrub: (() => Promise<ScrubOutcome>) | null;
  /** How long an erasure stays, in milliseconds; default: until no other process can have missed it. */
  readonly settleMs?: number;
}

/** Puts the parts together; nothing begins by itself. */
export function openParts({ config, kv: bare, log, scrub, settleMs }: PartsOptions): Parts {
  const clock = systemClock;
  const kv = fencedKv(bare);
  const newId = () => crypto.randomUUID();
  const counters = createCounters();
  const made = { config, kv, clock, newId, counters, log };
  const { poke: { url: urlOverride }, retentionDays } = config;
  const poke = createPokeChannel({ fetch, ...urlOverride && { urlOverride } });
  const pokeKeys = openPokeKeys(made);
  const forgetWords = (wearer: string, cutoffMs: number) =>
    forgetSearchDays(made, wearer, { cutoffMs });
  return {
    ...made,
    inference: createInference(config),
    poke,
    pokeKeys,
    outbox: openOutbox({ ...made, poke, pokeKeys }),
    streams: new LiveStreams(),
    watchers: new Watchers(made),
    compaction: new Compaction(made),
    budgets: createBudgets({ ...made, limits: config.budgets }),
    orders: new StandingOrders(made),
    erasures: new Erasures({ ...made, scrub, ...settleMs !== undefined && { settleMs } }),
    sweeps: new Sweeps({ ...made, retentionDays, forgetWords }),
  };
}

/** Lets go of all that the parts hold, once what they are at is done. */
export async function closeParts(parts: Parts): Promise<void> {
  await Promise.all([
    parts.inference.close(),
    parts.budgets.close(),
    parts.orders.close(),
    parts.erasures.close(),
    parts.sweeps.close(),
    parts.compaction.close(),
    parts.pokeKeys.close(),
    parts.outbox.close(),
  ]);
}

/** The Poke keys of all wearers. */
function openPokeKeys(made: Pick<Deps, "config" | "kv" | "counters" | "log">): PokeKeys {
  const { secretSealingKeys: sealingKeys, poke: { apiKey: houseKey } } = made.config;
  return new PokeKeys({ ...made, clock: systemClock, sealingKeys, houseKey });
}

/** The outbox with all channels that there are; it must be closed. */
function openOutbox(
  made: Pick<Deps, "config" | "kv" | "poke" | "pokeKeys" | "newId" | "counters" | "log">,
): Outbox {
  const { config: { webhook, ...config }, kv, poke, pokeKeys, log } = made;
  const pokeKeyOf = (wearer: string) => pokeKeys.keyOf(wearer);
  return new Outbox({
    ...made,
    clock: systemClock,
    channels: createWaysOut({ poke, pokeKeyOf, webhook, logsText: config.outbox.logsText, log }),
    rateLimiter: createRateLimiter({ kv, clock: systemClock }),
    perDay: config.outbox.perDay,
    retentionDays: config.retentionDays,
    wanted: createStillWanted({
      clock: systemClock,
      rules: createRuleStore({ ...made, clock: systemClock }),
      manners: openMannersBook(kv),
    }),
    random: Math.random,
  });
}
