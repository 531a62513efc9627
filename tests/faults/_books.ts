/**
 * Whether the server's books say what the wearers heard.
 *
 * @module
 */
import { systemClock } from "../../clock.ts";
import { type ChunkRecord, DEFAULT_WEARER } from "../../kv/keys.ts";
import { createSessionStore } from "../../kv/sessions.ts";
import { segmentPrefix, type SegmentRecord } from "../../kv/timeline_keys.ts";
import type { Ledger, Message } from "./_ledger.ts";

/** Compares the books of one wearer's sessions with what the wearer heard. */
export async function checkBooks(kv: Deno.Kv, ledger: Ledger): Promise<void> {
  const store = createSessionStore({ kv, clock: systemClock, retentionDays: 30 });
  for (const { session, results, frame } of ledger.lives) {
    const record = await store.getSession(DEFAULT_WEARER, session);
    if (!record) {
      if (results.length > 0) ledger.violate(`session ${session} is in the books`);
      continue;
    }
    const chunks = await Array.fromAsync(store.listChunks(DEFAULT_WEARER, session));
    const must = (holds: boolean, rule: string) => {
      if (!holds) ledger.violate(`books of ${session}: ${rule}`);
    };
    must(
      record.chunkCount === chunks.length,
      `${record.chunkCount} chunks, found ${chunks.length}`,
    );
    must(chunks.every(({ index }, at) => index === at), "chunks have no hole");
    must(record.captionCount + record.errorCount === record.chunkCount, "counts add up");
    const last = chunks.at(-1);
    must(record.accounted.frame === (last?.lastFrame ?? 0), "accounted up to the last chunk");
    must(chunks.length >= results.length, `${results.length} results were heard`);
    for (const [at, heard] of results.entries()) {
      const { cursor, caption, inference_error, frames } = JSON.parse(heard) as Message;
      const chunk = chunks[at]!;
      const text = chunk.outcome.status === "failed" ? chunk.outcome.error : chunk.outcome.caption;
      must(text === (caption ?? inference_error), `result ${cursor} is chunk ${at}`);
      must(chunk.frameCount === frames, `result ${cursor} stands for ${chunk.frameCount} frames`);
    }
    must(await isTiled(kv, session, chunks), "segments tile what was captioned");
    if (ledger.lives.at(-1)?.session !== session) continue;
    must(record.accounted.frame === frame, `the client heard up to ${frame}`);
    // Who says bye over a connection that another has replaced ends that, and not the session.
    must(record.status === "ended" || ledger.hasRivals, `it has ended: it is ${record.status}`);
  }
}

/** Whether each chunk with a caption belongs to exactly one segment of the session, in order. */
async function isTiled(
  kv: Deno.Kv,
  session: string,
  chunks: readonly ChunkRecord[],
): Promise<boolean> {
  const said = chunks.flatMap(({ outcome, index }) =>
    outcome.status === "captioned" && outcome.caption.trim() ? [index] : []
  );
  const tiles: number[] = [];
  const prefix = segmentPrefix(DEFAULT_WEARER);
  for await (const { value } of kv.list<SegmentRecord>({ prefix })) {
    if (value.session !== session) continue;
    const own = said.filter((index) => index >= value.firstIndex && index <= value.lastIndex);
    if (own.length !== value.chunkCount) return false;
    tiles.push(...own);
  }
  return tiles.length === said.length && tiles.every((index, at) => index === said[at]);
}
