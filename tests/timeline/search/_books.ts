/**
 * A wearer's books with a search over them, for one test.
 *
 * @module
 */
import type { LiveSession } from "../../../kv/keys.ts";
import { createSessionStore, type SessionStore } from "../../../kv/sessions.ts";
import { createSearchIndexer } from "../../../timeline/search/indexer.ts";
import { createSearch, type Hit, soughtIn } from "../../../timeline/search/search.ts";
import { createFakeClock, type FakeClock } from "../../_fake_clock.ts";
import { ended, live, says } from "../../kv/_sessions.ts";
import { withKv } from "../../kv/_temp_kv.ts";

export const SECOND_MS = 1000;
const CHUNK_S = 1;

/** What a search may be asked beside its words. */
export interface Asked {
  readonly wearer?: string;
  readonly limit?: number;
  readonly fromMs?: number;
  readonly toMs?: number;
}

/** The books, and what a test does with them. */
export interface Books {
  readonly kv: Deno.Kv;
  readonly clock: FakeClock;
  readonly store: SessionStore;
  /** Writes a session that begins now, one chunk a second, and lets that time go by. */
  write(id: string, captions: readonly string[], wearer?: string): Promise<void>;
  /** As {@link write}, and nobody goes on with the session. */
  writeOver(id: string, captions: readonly string[], wearer?: string): Promise<void>;
  search(text: string, asked?: Asked): Promise<Hit[]>;
  /** The captions that are found, best first. */
  captions(text: string, asked?: Asked): Promise<string[]>;
}

/** Runs `test` with books of its own. */
export function withBooks(test: (books: Books) => Promise<void>): Promise<void> {
  return withKv((kv) => test(booksOn(kv)));
}

/**
 * Opens the books on a KV.
 *
 * @param writingKv what is written through, if not the KV itself
 * @param hint hears of whom it may be time to put blocks together
 */
export function booksOn(
  kv: Deno.Kv,
  writingKv = kv,
  clock = createFakeClock(),
  hint: (wearer: string) => void = () => {},
): Books {
  const alongside = [createSearchIndexer({ kv: writingKv, clock, begun: hint })];
  const store = createSessionStore({ kv: writingKv, clock, retentionDays: 30, alongside });
  const find = createSearch({ kv, clock, crowded: hint });
  const search = (text: string, asked: Asked = {}) =>
    find({
      wearer: "ann",
      words: soughtIn(text),
      limit: 20,
      fromMs: -Infinity,
      toMs: Infinity,
      ...asked,
    });
  const write = async (id: string, captions: readonly string[], wearer = "ann") => {
    const session: LiveSession = { ...live, id, wearer, startedAtMs: clock.epochMs() };
    const writer = store.begin(session);
    for (const [index, caption] of captions.entries()) {
      await writer.write(session, chunkOf(id, index, caption));
    }
    clock.tick(captions.length * CHUNK_S * SECOND_MS);
    return { session, writer };
  };
  return {
    kv,
    clock,
    store,
    write: async (...of) => void await write(...of),
    async writeOver(...of) {
      const { session, writer } = await write(...of);
      await writer.write({ ...ended, ...session, status: "ended" });
    },
    search,
    captions: async (text, asked) => (await search(text, asked)).map(({ caption }) => caption),
  };
}

/** The chunk at this place in its session, a second long. */
export function chunkOf(sessionId: string, index: number, caption: string) {
  return { ...says(caption, index), sessionId, startS: index, endS: index + CHUNK_S };
}
