/**
 * Sessions and chunks: what remains of a stream when it is over.
 *
 * @module
 */
import { timingSafeEqual } from "node:crypto";
import type { Clock } from "../clock.ts";
import { CONFLICT, retryContended } from "./_retry_contended.ts";
import { type Alongside, SessionWriter, type WriterOptions } from "./session_writer.ts";
import { sha256Hex } from "./sha256.ts";
import {
  chunkKey,
  chunkPrefix,
  type ChunkRecord,
  hasExpired,
  keptForMs,
  type LiveSession,
  sessionKey,
  sessionPrefix,
  type SessionRecord,
  type Stored,
} from "./keys.ts";

/** How much of a wearer's KV still holds. */
export interface RecordCounts {
  readonly sessionCount: number;
  readonly liveSessionCount: number;
  readonly chunkCount: number;
  readonly captionCount: number;
  readonly errorCount: number;
}

/** Who wants to go on with which session, and what proves it. */
export interface TakeOverRequest {
  readonly wearer: string;
  readonly sessionId: string;
  /** As `hello` gave it to the client. */
  readonly secret: string;
  /** The new connection. */
  readonly owner: string;
}

/** What became of going on with a session. */
export type TakeOverOutcome =
  | { readonly kind: "taken"; readonly session: LiveSession; readonly writer: SessionWriter }
  /** There is no such session, its time is over, or the secret is another: which is not said. */
  | { readonly kind: "unknown" };

/** Writes and reads the records of streams. Every method rejects with KV's own error. */
export interface SessionStore {
  /** Begins the books of a new stream. Nothing is written yet. */
  begin(session: LiveSession): SessionWriter;
  /**
   * Makes `owner` the one that may write. Whoever wrote before finds out at the next write, whatever
   * process it lives in.
   */
  takeOver(request: TakeOverRequest): Promise<TakeOverOutcome>;
  /** Null: there is none, or its time is over. */
  getSession(wearer: string, sessionId: string): Promise<SessionRecord | null>;
  /** The chunks of a session in the order of their index, from `fromIndex` on. */
  listChunks(wearer: string, sessionId: string, fromIndex?: number): AsyncIterable<ChunkRecord>;
  /** The session's newest captions, oldest first. */
  recentCaptions(wearer: string, sessionId: string, most: number): Promise<string[]>;
  /** Counts by listing, so it takes time in proportion: for summaries, not for requests. */
  countRecords(wearer: string): Promise<RecordCounts>;
}

/** What a {@link SessionStore} needs. */
export interface SessionStoreOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
  /** How long a record stays after its last write; 0: for good. */
  readonly retentionDays: number;
  /** The same for each wearer, in milliseconds, where they have times of their own. Never rejects. */
  readonly keptForMs?: (wearer: string) => Promise<number>;
  /** What else comes into the books with each chunk. */
  readonly alongside?: readonly Alongside[];
  /** Hears whose chunk is in the books now: a hint, as it does not hear of all. */
  readonly chunkWritten?: (wearer: string) => void;
}

/** Opens the store; it holds nothing of its own and need not be closed. */
export function createSessionStore(options: SessionStoreOptions): SessionStore {
  return new KvSessionStore(options);
}

class KvSessionStore implements SessionStore {
  readonly #kv: Deno.Kv;
  readonly #clock: Clock;
  readonly #writing: WriterOptions;

  constructor(options: SessionStoreOptions) {
    const { kv, clock, retentionDays, alongside = [], chunkWritten = () => {} } = options;
    this.#kv = kv;
    this.#clock = clock;
    const sameForAll = () => Promise.resolve(keptForMs(retentionDays));
    const { keptForMs: keptForEachMs = sameForAll } = options;
    this.#writing = { kv, clock, keptForMs: keptForEachMs, alongside, chunkWritten };
  }

  begin({ wearer, id, owner }: LiveSession): SessionWriter {
    return new SessionWriter(this.#writing, { wearer, sessionId: id, owner }, null);
  }

  async takeOver(request: TakeOverRequest): Promise<TakeOverOutcome> {
    const secretHash = await sha256Hex(request.secret);
    return await retryContended(
      this.#clock,
      "take the session over",
      () => this.#tryTakeOver(request, secretHash),
    );
  }

  async getSession(wearer: string, sessionId: string): Promise<SessionRecord | null> {
    const { value } = await this.#kv.get<SessionRecord>(sessionKey(wearer, sessionId));
    return value && !hasExpired(value, this.#clock.epochMs()) ? value : null;
  }

  listChunks(wearer: string, sessionId: string, fromIndex = 0): AsyncIterable<ChunkRecord> {
    const prefix = chunkPrefix(wearer, sessionId);
    return this.#list({ prefix, start: chunkKey(wearer, sessionId, fromIndex) });
  }

  async recentCaptions(wearer: string, sessionId: string, most: number): Promise<string[]> {
    const captions: string[] = [];
    const prefix = chunkPrefix(wearer, sessionId);
    for await (const { outcome } of this.#list<ChunkRecord>({ prefix }, { reverse: true })) {
      if (captions.length === most) break;
      if (outcome.status === "captioned" && outcome.caption) captions.unshift(outcome.caption);
    }
    return captions;
  }

  async countRecords(wearer: string): Promise<RecordCounts> {
    let [sessionCount, liveSessionCount, chunkCount, captionCount] = [0, 0, 0, 0];
    for await (const session of this.#list<SessionRecord>({ prefix: sessionPrefix(wearer) })) {
      sessionCount++;
      if (session.status === "live") liveSessionCount++;
    }
    for await (const chunk of this.#list<ChunkRecord>({ prefix: chunkPrefix(wearer) })) {
      chunkCount++;
      if (chunk.outcome.status === "captioned") captionCount++;
    }
    const errorCount = chunkCount - captionCount;
    return { sessionCount, liveSessionCount, chunkCount, captionCount, errorCount };
  }

  async #tryTakeOver(
    { wearer, sessionId, owner }: TakeOverRequest,
    secretHash: string,
  ): Promise<TakeOverOutcome | typeof CONFLICT> {
    const found = await this.#kv.get<SessionRecord>(sessionKey(wearer, sessionId));
    if (!found.value || !this.#mayGoOn(found.value, secretHash)) return { kind: "unknown" };
    const session = liveAgain(found.value, owner);
    const place = { wearer, sessionId, owner };
    const writer = new SessionWriter(this.#writing, place, found.versionstamp);
    const written = await writer.tryWrite(session);
    return written ? { kind: "taken", session, writer } : CONFLICT;
  }

  #mayGoOn(record: SessionRecord, secretHash: string): boolean {
    const nowMs = this.#clock.epochMs();
    const { resume } = record;
    if (!resume || hasExpired(record, nowMs) || resume.untilMs <= nowMs) return false;
    const matches = timingSafeEqual(encode(resume.secretHash), encode(secretHash));
    return matches && record.status !== "ended";
  }

  async *#list<T extends Stored>(
    selector: Deno.KvListSelector,
    options: Deno.KvListOptions = {},
  ): AsyncGenerator<T> {
    for await (const { value } of this.#kv.list<T>(selector, options)) {
      if (!hasExpired(value, this.#clock.epochMs())) yield value;
    }
  }
}

/** The session as its new connection goes on with it. */
function liveAgain(record: SessionRecord, owner: string): LiveSession {
  const { version: _, expiresAtMs: __, status: ___, ...facts } = record;
  if ("endedAtMs" in facts) {
    const { endedAtMs: _, closeCode: __, reason: ___, ...common } = facts;
    return { ...common, owner, status: "live" };
  }
  return { ...facts, owner, status: "live" };
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
