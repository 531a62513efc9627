/**
 * Writes the records of one stream, for as long as nobody else has taken it over.
 *
 * Each commit checks that the session's record is still the one that this writer knows. So of two
 * connections that both believe to be the session's, in one process or in two, only the newer can
 * write, and no chunk comes into the books twice.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { CONFLICT, PATIENCE_MS, retryContended } from "./_retry_contended.ts";
import { WearerErasingError } from "./fenced_kv.ts";
import {
  type ChunkFacts,
  chunkKey,
  type ChunkOutcome,
  MAX_CAPTION_CHARS,
  MAX_ERROR_CHARS,
  MAX_NAME_CHARS,
  MAX_PROMPT_CHARS,
  type SessionFacts,
  sessionKey,
  type SessionRecord,
  sessionStartKey,
  type Stored,
} from "./keys.ts";

/**
 * Adds to the commit that writes a chunk: what is made of chunks (a timeline, an index) is then never
 * behind them. Called again when a commit is tried again; `session` counts the chunk already.
 *
 * What several streams write it checks: where such a check fails, the commit is tried again. What it
 * rejects with is the write's failure. What it sets stays as long as the chunk: `keptForMs` from now,
 * Infinity for good.
 *
 * @returns what is to be done when the commit has gone through; it is not called where the answer to
 * the commit was lost
 */
export type Alongside = (
  commit: Deno.AtomicOperation,
  session: SessionFacts,
  chunk: ChunkFacts,
  keptForMs: number,
) => void | Written | Promise<void | Written>;

/** Hears that the commit has gone through. */
export type Written = () => void;

/** What all writers share. */
export interface WriterOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
  /** How long a wearer's record stays after its last write; Infinity: for good. Never rejects. */
  readonly keptForMs: (wearer: string) => Promise<number>;
  readonly alongside: readonly Alongside[];
  readonly chunkWritten: (wearer: string) => void;
}

/** Whose records, and who writes them. */
export interface Place {
  readonly wearer: string;
  readonly sessionId: string;
  readonly owner: string;
}

/** What became of a write; `erased`: the session's records are gone for good, or its wearer's are going. */
export type WriteOutcome = "written" | "taken_over" | "erased";

/**
 * The books of one stream. A write stands for the whole session: callers pass all that they know.
 * One write at a time: await each before the next.
 */
export class SessionWriter {
  readonly #options: WriterOptions;
  readonly #place: Place;
  /** Of the session's record as we know it; null: there is none; undefined: it is not known. */
  #versionstamp: string | null | undefined;
  /** There was a record: if there is none any more it was erased, and is not written again. */
  #wasThere: boolean;
  #lost: Exclude<WriteOutcome, "written"> = "taken_over";

  /** @param versionstamp of the record that the writer goes on from; null: it writes the first */
  constructor(options: WriterOptions, place: Place, versionstamp: string | null) {
    this.#options = options;
    this.#place = place;
    this.#versionstamp = versionstamp;
    this.#wasThere = versionstamp !== null;
  }

  /** Why it may not write any more; only once a write, or {@link isOwner}, has said so. */
  get lost(): Exclude<WriteOutcome, "written"> {
    return this.#lost;
  }

  /**
   * Writes the session, and a chunk with it, in one commit: both or neither. The session may be over
   * already, as the inference in flight is finished when the client has left (WIRE V7).
   *
   * @throws KV's own error; the next write finds out what became of this one
   */
  async write(session: SessionFacts, chunk?: ChunkFacts): Promise<WriteOutcome> {
    try {
      return await retryContended(this.#options.clock, "write the session", async () => {
        if (this.#versionstamp === undefined && !await this.#lookAgain()) return this.#lost;
        // Whose check failed, the session's or that of something alongside, shows when it is read
        // again. A write whose answer was lost had gone through: the same again changes nothing.
        return await this.tryWrite(session, chunk) ? "written" : CONFLICT;
      }, PATIENCE_MS);
    } catch (error) {
      if (!(error instanceof WearerErasingError)) throw error;
      return this.#lost = "erased";
    }
  }

  /** Whether nobody has taken the session over or erased it. Reads once. */
  async isOwner(): Promise<boolean> {
    return await this.#lookAgain();
  }

  /** One attempt; false: a record that it checks is not the one that is known. */
  async tryWrite(session: SessionFacts, chunk?: ChunkFacts): Promise<boolean> {
    const { kv } = this.#options;
    const { wearer, sessionId } = this.#place;
    const keptForMs = await this.#options.keptForMs(wearer);
    const expiry = keptForMs === Infinity ? {} : { expireIn: keptForMs };
    const key = sessionKey(wearer, sessionId);
    const commit = kv.atomic().check({ key, versionstamp: this.#versionstamp ?? null });
    commit.set(key, this.#stored(fitSession(session), keptForMs), expiry);
    const startKey = sessionStartKey(wearer, session.startedAtMs, sessionId);
    commit.set(startKey, this.#stored({}, keptForMs), expiry);
    const told: Written[] = [];
    if (chunk) {
      const facts = this.#stored(fitChunk(chunk), keptForMs);
      commit.set(chunkKey(wearer, sessionId, chunk.index), facts, expiry);
      for (const add of this.#options.alongside) {
        const hear = await add(commit, session, facts, keptForMs);
        if (hear) told.push(hear);
      }
    }
    // Until KV answers it may have written or not.
    this.#versionstamp = undefined;
    const written = await commit.commit();
    if (written.ok) {
      this.#versionstamp = written.versionstamp;
      this.#wasThere = true;
    }
    if (written.ok && chunk) this.#options.chunkWritten(wearer);
    if (written.ok) { for (const hear of told) hear(); }
    return written.ok;
  }

  async #lookAgain(): Promise<boolean> {
    const { wearer, sessionId, owner } = this.#place;
    const found = await this.#options.kv.get<SessionRecord>(sessionKey(wearer, sessionId));
    const isOurs = found.value === null ? !this.#wasThere : found.value.owner === owner;
    if (!isOurs) this.#lost = found.value === null ? "erased" : "taken_over";
    // Who has lost the session stays in doubt: with what it sees here it could write again.
    this.#versionstamp = isOurs ? found.versionstamp : undefined;
    return isOurs;
  }

  #stored<T>(facts: T, keptForMs: number): T & Stored {
    const nowMs = this.#options.clock.epochMs();
    const expiresAtMs = keptForMs === Infinity ? null : nowMs + keptForMs;
    return { ...facts, version: 1, expiresAtMs };
  }
}

function fitSession(session: SessionFacts): SessionFacts {
  const identity = session.identity && {
    appName: cut(session.identity.appName, MAX_NAME_CHARS),
    className: cut(session.identity.className, MAX_NAME_CHARS),
  };
  const prompt = cut(session.prompt, MAX_PROMPT_CHARS);
  return session.status === "live"
    ? { ...session, identity, prompt }
    : { ...session, identity, prompt, reason: cut(session.reason, MAX_ERROR_CHARS) };
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
