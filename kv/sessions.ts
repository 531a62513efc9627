/**
 * Sessions and chunks: what remains of a stream when it is over.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import {
  type ChunkFacts,
  chunkKey,
  type ChunkOutcome,
  chunkPrefix,
  type ChunkRecord,
  type EndedSession,
  hasExpired,
  type LiveSession,
  MAX_CAPTION_CHARS,
  MAX_ERROR_CHARS,
  MAX_NAME_CHARS,
  type SessionFacts,
  sessionKey,
  sessionPrefix,
  type SessionRecord,
  type Stored,
} from "./keys.ts";

const MS_PER_DAY = 24 * 60 * 60 * 1000;

/** How much of a wearer's KV still holds. */
export interface RecordCounts {
  readonly sessionCount: number;
  readonly liveSessionCount: number;
  readonly chunkCount: number;
  readonly captionCount: number;
  readonly errorCount: number;
}

/**
 * Writes and reads the records of streams. A write stands for the whole session: callers pass all
 * that they know, and nothing is read before. So a session has one writer at a time, which awaits
 * each write before the next. Every method rejects with KV's own error; nothing is lost but the
 * record, so the stream goes on.
 */
export interface SessionStore {
  /** Writes the record of a stream that begins. */
  open(session: LiveSession): Promise<void>;
  /**
   * Writes the chunk and its session in one commit: both or neither. The session may have ended
   * already, as the inference in flight is finished when the client has left (WIRE V7).
   */
  commitChunk(session: SessionFacts, chunk: ChunkFacts): Promise<void>;
  /** Writes the record of a stream that is over. */
  end(session: EndedSession): Promise<void>;
  /** Null: there is none, or its time is over. */
  getSession(wearer: string, sessionId: string): Promise<SessionRecord | null>;
  /** The chunks of a session in the order of their index. */
  listChunks(wearer: string, sessionId: string): AsyncIterable<ChunkRecord>;
  /** Counts by listing, so it takes time in proportion: for summaries, not for requests. */
  countRecords(wearer: string): Promise<RecordCounts>;
}

/** What a {@link SessionStore} needs. */
export interface SessionStoreOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
  /** How long a record stays after its last write; 0: for good. */
  readonly retentionDays: number;
}

/** Opens the store; it holds nothing of its own and need not be closed. */
export function createSessionStore(options: SessionStoreOptions): SessionStore {
  return new KvSessionStore(options);
}

class KvSessionStore implements SessionStore {
  readonly #kv: Deno.Kv;
  readonly #clock: Clock;
  readonly #keptForMs: number;

  constructor({ kv, clock, retentionDays }: SessionStoreOptions) {
    this.#kv = kv;
    this.#clock = clock;
    this.#keptForMs = retentionDays === 0 ? Infinity : Math.ceil(retentionDays * MS_PER_DAY);
  }

  open(session: LiveSession): Promise<void> {
    return this.#write(session);
  }

  commitChunk(session: SessionFacts, chunk: ChunkFacts): Promise<void> {
    return this.#write(session, chunk);
  }

  end(session: EndedSession): Promise<void> {
    return this.#write(session);
  }

  async getSession(wearer: string, sessionId: string): Promise<SessionRecord | null> {
    const { value } = await this.#kv.get<SessionRecord>(sessionKey(wearer, sessionId));
    return value && !hasExpired(value, this.#clock.epochMs()) ? value : null;
  }

  listChunks(wearer: string, sessionId: string): AsyncIterable<ChunkRecord> {
    return this.#list<ChunkRecord>(chunkPrefix(wearer, sessionId));
  }

  async countRecords(wearer: string): Promise<RecordCounts> {
    let [sessionCount, liveSessionCount, chunkCount, captionCount] = [0, 0, 0, 0];
    for await (const session of this.#list<SessionRecord>(sessionPrefix(wearer))) {
      sessionCount++;
      if (session.status === "live") liveSessionCount++;
    }
    for await (const chunk of this.#list<ChunkRecord>(chunkPrefix(wearer))) {
      chunkCount++;
      if (chunk.outcome.status === "captioned") captionCount++;
    }
    const errorCount = chunkCount - captionCount;
    return { sessionCount, liveSessionCount, chunkCount, captionCount, errorCount };
  }

  /** Without checks a commit always goes through, and SQLite itself waits for other processes. */
  async #write(session: SessionFacts, chunk?: ChunkFacts): Promise<void> {
    const expiry = this.#keptForMs === Infinity ? {} : { expireIn: this.#keptForMs };
    const commit = this.#kv.atomic();
    commit.set(
      sessionKey(session.wearer, session.id),
      this.#stored(fitSession(session)),
      expiry,
    );
    if (chunk) {
      const key = chunkKey(session.wearer, session.id, chunk.index);
      commit.set(key, this.#stored(fitChunk(chunk)), expiry);
    }
    await commit.commit();
  }

  #stored<T>(facts: T): T & Stored {
    const isKept = this.#keptForMs === Infinity;
    const expiresAtMs = isKept ? null : this.#clock.epochMs() + this.#keptForMs;
    return { ...facts, version: 1, expiresAtMs };
  }

  async *#list<T extends Stored>(prefix: Deno.KvKey): AsyncGenerator<T> {
    for await (const { value } of this.#kv.list<T>({ prefix })) {
      if (!hasExpired(value, this.#clock.epochMs())) yield value;
    }
  }
}

function fitSession(session: SessionFacts): SessionFacts {
  const identity = session.identity && {
    appName: cut(session.identity.appName, MAX_NAME_CHARS),
    className: cut(session.identity.className, MAX_NAME_CHARS),
  };
  return session.status === "live"
    ? { ...session, identity }
    : { ...session, identity, reason: cut(session.reason, MAX_ERROR_CHARS) };
}

function fitChunk(chunk: ChunkFacts): ChunkFacts {
  return { ...chunk, outcome: fitOutcome(chunk.outcome) };
}

function fitOutcome(outcome: ChunkOutcome): ChunkOutcome {
  switch (outcome.status) {
    case "captioned":
      return {
        ...outcome,
        caption: cut(outcome.caption, MAX_CAPTION_CHARS),
        model: outcome.model && cut(outcome.model, MAX_NAME_CHARS),
      };
    case "failed":
      return { ...outcome, error: cut(outcome.error, MAX_ERROR_CHARS) };
  }
}

/** The text, or its beginning and an ellipsis. Half a surrogate pair does not survive. */
function cut(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars - 1).toWellFormed()}…`;
}
