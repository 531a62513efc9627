/**
 * What wearers have seen, as the application writes it: chunks with their segments and their words.
 *
 * @module
 */
import { DEFAULT_WEARER, type LiveSession } from "../../../kv/keys.ts";
import { createSessionStore } from "../../../kv/sessions.ts";
import { createSearchIndexer } from "../../../timeline/search/indexer.ts";
import { segmentsAlongside } from "../../../timeline/segments.ts";
import { createFakeClock } from "../../_fake_clock.ts";
import { live } from "../../kv/_sessions.ts";
import { second } from "../_timeline.ts";

/** A session of the past. */
export interface PastSession {
  /** Whose; by default that of the magic word. */
  readonly wearer?: string;
  readonly id?: string;
  readonly startedAtMs: number;
  /** From the beginning of a chunk to that of the next; each is a second long. */
  readonly everyS?: number;
}

/** Writes a session, for good. Its chunks have ids `SESSION.INDEX` as segments of their own. */
export async function past(
  kv: Deno.Kv,
  captions: readonly (string | null)[],
  { wearer = DEFAULT_WEARER, id = "s1", startedAtMs, everyS = 1 }: PastSession,
): Promise<void> {
  const made = { kv, clock: createFakeClock(startedAtMs), retentionDays: 0 };
  const alongside = [createSearchIndexer(made), segmentsAlongside(made)];
  const session: LiveSession = { ...live, id, wearer, startedAtMs };
  const writer = createSessionStore({ ...made, alongside }).begin(session);
  for (const [index, caption] of captions.entries()) {
    const startS = index * everyS;
    const chunk = { ...second(index, caption), sessionId: id, startS, endS: startS + 1 };
    await writer.write({ ...session, chunkCount: index + 1 }, chunk);
  }
}
