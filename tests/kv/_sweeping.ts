/**
 * Books of some weeks, and a sweep of them, on a clock of the test's own.
 *
 * @module
 */
import { type LiveSession, type SessionFacts, wearerPrefix } from "../../kv/keys.ts";
import { Retention } from "../../kv/retention.ts";
import { createSessionStore } from "../../kv/sessions.ts";
import { sweepWearer } from "../../kv/sweep.ts";
import { createSearchIndexer } from "../../timeline/search/indexer.ts";
import { createSearch, soughtIn } from "../../timeline/search/search.ts";
import { segmentsAlongside } from "../../timeline/segments.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { DAY_MS, live, says } from "./_sessions.ts";

export const NOW_MS = Date.UTC(2026, 5, 1, 12);

/** A session of the test's making. */
export interface Told {
  readonly id: string;
  readonly wearer?: string;
  /** Before now. */
  readonly daysAgo: number;
  /** When each of its chunks was seen, in seconds since it began, ascending. */
  readonly seenAtS: readonly number[];
  readonly isLive: boolean;
}

/** Opens the books. What is written stays for good, unless a time is set. */
export function openSweeping(kv: Deno.Kv, retentionDays = 0) {
  const clock = createFakeClock(NOW_MS);
  const retention = new Retention({ kv, clock, retentionDays });
  const store = createSessionStore({
    kv,
    clock,
    retentionDays,
    keptForMs: (wearer) => retention.keptForMs(wearer),
    alongside: [createSearchIndexer({ kv, clock }), segmentsAlongside({ kv, clock })],
  });
  const search = createSearch({ kv, clock });
  return {
    clock,
    retention,
    store,
    /** Writes a session as it was when it was told; what it says has its id and a word for each chunk. */
    async tell({ id, wearer = "ann", daysAgo, seenAtS, isLive }: Told): Promise<void> {
      const startedAtMs = NOW_MS - Math.round(daysAgo * DAY_MS);
      let session: LiveSession = { ...live, id, wearer, startedAtMs };
      const writer = store.begin(session);
      clock.setEpochMs(startedAtMs);
      await writer.write(session);
      for (const [index, atS] of seenAtS.entries()) {
        const recordedAtMs = startedAtMs + (atS + 1) * 1000;
        clock.setEpochMs(recordedAtMs);
        const seen = { sessionId: id, startS: atS, endS: atS + 1, recordedAtMs };
        session = { ...session, chunkCount: index + 1, lastFrameAtMs: recordedAtMs };
        await writer.write(session, { ...says(`${id} saw thing${index}`, index), ...seen });
      }
      const endedAtMs = session.lastFrameAtMs ?? startedAtMs;
      const ended: SessionFacts = {
        ...session,
        status: "ended",
        endedAtMs,
        closeCode: 1000,
        reason: "",
      };
      if (!isLive) await writer.write(ended);
      clock.setEpochMs(NOW_MS);
    },
    sweep: (wearer = "ann", sweeperId = "me") =>
      sweepWearer({ kv, clock, sweeperId, retentionDays }, wearer),
    async hits(text: string, wearer = "ann"): Promise<string[]> {
      const words = soughtIn(text);
      const found = await search({ wearer, words, limit: 100, fromMs: -Infinity, toMs: Infinity });
      return found.map(({ caption }) => caption).sort();
    },
  };
}

/** All records of a wearer but how long they stay. */
export async function entriesOf(kv: Deno.Kv, wearer = "ann"): Promise<Deno.KvEntry<unknown>[]> {
  const all = await Array.fromAsync(kv.list({ prefix: wearerPrefix(wearer) }));
  return all.filter(({ key }) => key[2] !== "retention");
}
