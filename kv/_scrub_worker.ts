/**
 * Writes a database file anew; see `scrub.ts`. In a thread of its own, as SQLite keeps it busy.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { DatabaseSync } from "node:sqlite";
import { systemClock } from "../clock.ts";
import { reasonOf } from "../log.ts";
import type { ScrubOutcome } from "./scrub.ts";

/** Others write in between: each wait for them ends after so long. */
const BUSY_TIMEOUT_MS = 30_000;
const PAUSE_MS = 20;
/** Readers and other checkpoints are over in moments; a backup that holds on for longer is not ours. */
const GIVE_UP_MS = 60_000;
/** One row of zeros, of a page less what SQLite needs of each. */
const MAX_FILL_PAGES = 4_096;
const BYTES_PER_PAGE = 4_092;

self.onmessage = async ({ data: path }: MessageEvent<string>) => {
  self.postMessage(await scrub(path));
  self.close();
};

async function scrub(path: string): Promise<ScrubOutcome> {
  try {
    const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    try {
      // What is deleted from here on is overwritten with zeros.
      database.exec("PRAGMA secure_delete = ON; PRAGMA temp_store = FILE");
      rewrite(database);
      return await truncateLog(database);
    } finally {
      database.close();
    }
  } catch (error) {
    return { kind: "failed", reason: reasonOf(error) };
  }
}

/** All or nothing: until it is committed everyone else reads what was there before. */
function rewrite(database: DatabaseSync): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    fillFreePages(database);
    database.exec(`
      CREATE TEMP TABLE scrub_copy AS SELECT * FROM main.kv ORDER BY k;
      DELETE FROM main.kv;
      INSERT INTO main.kv SELECT * FROM temp.scrub_copy ORDER BY rowid;
      DROP TABLE temp.scrub_copy;
      COMMIT;
    `);
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}

/** Free pages are as they were left: each is taken, filled with zeros, and given back. */
function fillFreePages(database: DatabaseSync): void {
  const count = database.prepare("PRAGMA main.freelist_count");
  const free = () => Number(count.get()?.freelist_count);
  database.exec("CREATE TABLE main.scrub_fill (zeros BLOB)");
  const fill = database.prepare("INSERT INTO main.scrub_fill VALUES (zeroblob(?))");
  for (let left = free(); left > 0; left = free()) {
    fill.run(Math.min(left, MAX_FILL_PAGES) * BYTES_PER_PAGE);
  }
  database.exec("DROP TABLE main.scrub_fill");
}

/** The log holds pages as they were before. SQLite answers `busy` at once where a reader is in it. */
async function truncateLog(database: DatabaseSync): Promise<ScrubOutcome> {
  const endsAtMs = systemClock.monotonicMs() + GIVE_UP_MS;
  const checkpoint = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)");
  while (checkpoint.get()?.busy !== 0) {
    if (systemClock.monotonicMs() >= endsAtMs) {
      return { kind: "failed", reason: "The log is in use" };
    }
    await new Promise<void>((resolve) => systemClock.after(PAUSE_MS, resolve));
  }
  return { kind: "scrubbed" };
}
