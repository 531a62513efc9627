/**
 * The whole data model on one page: every key, what lies under it, and how long.
 *
 * | key                                            | value                  | kept for                   |
 * | ---------------------------------------------- | ---------------------- | -------------------------- |
 * | `wearer, WEARER, session, SESSION`             | {@link SessionRecord}  | `RETENTION_DAYS`           |
 * | `wearer, WEARER, session_start, STARTED, SESSION`| {@link Stored}       | as long as the session     |
 * | `wearer, WEARER, chunk, SESSION, INDEX`        | {@link ChunkRecord}    | `RETENTION_DAYS`           |
 * | `wearer, WEARER, search, SESSION, INDEX`       | `SearchBlockRecord`    | `RETENTION_DAYS`         |
 * | `wearer, WEARER, search, SESSION, "open"`      | `SearchBlockRecord`    | `RETENTION_DAYS`         |
 * | `wearer, WEARER, search_day, DAY, PLACE`       | `SearchDayRecord`      | `RETENTION_DAYS`         |
 * | `wearer, WEARER, segment, STARTED, SESSION, INDEX`| `SegmentRecord`     | `RETENTION_DAYS`          |
 * | `wearer, WEARER, segment_tail, SESSION`        | its newest `SegmentRecord`| `RETENTION_DAYS`  |
 * | `wearer, WEARER, segment_change, VERSIONSTAMP` | `SegmentChangeRecord`| `RETENTION_DAYS`       |
 * | `wearer, WEARER, poke_send, SHA256(client key)`| {@link PokeSendRecord} | {@link POKE_SEND_TTL_MS}   |
 * | `wearer, WEARER, call_budget`                  | `CallBudgetRecord`| two days                  |
 * | `wearer, WEARER, stream_places`                | `StreamPlacesRecord`| as long as a place     |
 * | `wearer, WEARER, rate_limit, SCOPE, SHA256(identity)` | `RateLimitRecord` | twice its window   |
 * | `wearer, WEARER, token, TOKEN`                 | `TokenRecord`          | until the token expires    |
 * | `wearer, WEARER, rule, RULE`                   | `RuleRecord`           | until it is removed        |
 * | `wearer, WEARER, rule_set`                     | `RuleSetRecord`        | for good                   |
 * | `wearer, WEARER, poke_key`                     | `PokeKeyRecord`        | until it is deleted        |
 * | `wearer, WEARER, camera`                       | `CameraRecord`         | as long as the pause       |
 * | `wearer, WEARER, retention`                    | `RetentionRecord`      | for good, or two days after a sweep |
 * | `wearer, WEARER, erasing`                      | `ErasingRecord`        | until the wearer is erased |
 * | `wearer, WEARER, rule_courses`                 | `RuleCoursesRecord`    | `RETENTION_DAYS`           |
 * | `wearer, WEARER, rule_event, RULE, DUE, SESSION, INDEX`| `RuleEventRecord`| `RETENTION_DAYS`         |
 * | `wearer, WEARER, manners`                      | `MannersRecord`        | for good                   |
 * | `wearer, WEARER, message, MESSAGE`             | `MessageRecord`        | `RETENTION_DAYS` when it is over |
 * | `wearer, WEARER, message_due, DUE, MESSAGE`    | {@link Stored}         | until it is over           |
 * | `wearer, WEARER, message_fold, SHA256(fold key)`| `MessageFoldRecord`   | as long as the message     |
 * | `outbox, WEARER`                               | {@link Stored}         | while messages wait        |
 *
 * Segments and search blocks are in `timeline_keys.ts`, tokens in `token_keys.ts`, rules in
 * `rule_keys.ts`, how they stand in `firing_keys.ts`, the paused camera in `camera_keys.ts`, how
 * long records stay in `retention_keys.ts`, the mark of an erasure in `erasing_keys.ts`, messages in
 * `outbox_keys.ts`, Poke keys in `poke_key_record.ts`, what is rationed in `ration_keys.ts`.
 * `RETENTION_DAYS` is the default: a wearer may have a time of its own.
 *
 * Everything lies under a wearer's prefix, so it can be listed and erased as one, and nobody reads
 * across. The one exception, `outbox`, says for whom messages wait and nothing else; whoever erases a
 * wearer deletes it too. Keys hold no secret and no personal text: what a client sends is hashed. A
 * secret that must be read again lies in its value sealed (`sealing.ts`).
 *
 * Deno KV's `expireIn` only collects garbage (seen: 60 s late). What is due is decided by
 * `expiresAtMs`, which every value carries; see {@link hasExpired}.
 *
 * A value is at most 64 KiB (https://docs.deno.com/api/deno/~/Deno.Kv): open-ended text is cut.
 *
 * @module
 */

/** The wearer that the magic word alone acts as. */
export const DEFAULT_WEARER = "default";

/** How long one `Idempotency-Key` is remembered (WIRE P5). */
export const POKE_SEND_TTL_MS = 24 * 60 * 60 * 1000;

const MS_PER_DAY = 24 * 60 * 60 * 1000;

/** Text limits, in UTF-16 units (2 bytes at most each). */
export const MAX_CAPTION_CHARS = 16_384;
export const MAX_ERROR_CHARS = 2_048;
export const MAX_NAME_CHARS = 256;
export const MAX_PROMPT_CHARS = 8_000;

/** What every value carries beside its facts. */
export interface Stored {
  readonly version: 1;
  /** From this moment the value counts as gone; null: kept for good. */
  readonly expiresAtMs: number | null;
}

/** Which deployed model a stream spoke to. Its tokens are never stored. */
export interface StoredIdentity {
  readonly appName: string;
  readonly className: string;
}

/** What it takes to go on with a session over another connection (WIRE S4). */
export interface ResumeFacts {
  /** SHA-256 of the secret that the client holds. */
  readonly secretHash: string;
  /** From this moment nobody can go on with it. */
  readonly untilMs: number;
}

interface SessionCommon {
  readonly id: string;
  readonly wearer: string;
  /** The connection that may write: a fresh value with each that takes the session over. */
  readonly owner: string;
  /** Null: the client cannot go on with it, as its wire knows no sessions (WIRE V). */
  readonly resume: ResumeFacts | null;
  /** What the model is asked to look for. */
  readonly prompt: string;
  /** Up to where frames are part of a stored chunk: what came behind is lost with the process. */
  readonly accounted: { readonly frame: number; readonly atS: number };
  readonly startedAtMs: number;
  /** Null: no frame came yet. */
  readonly lastFrameAtMs: number | null;
  readonly frameCount: number;
  readonly byteCount: number;
  /** Chunks with an outcome: `captionCount + errorCount`. */
  readonly chunkCount: number;
  readonly captionCount: number;
  readonly errorCount: number;
  /** Null: the stream had no model (WIRE V8), or one that takes no identity (V10). */
  readonly identity: StoredIdentity | null;
}

/** A stream that is open, or whose process died before it could say otherwise. */
export interface LiveSession extends SessionCommon {
  readonly status: "live";
}

/** A stream without a connection: over, or `interrupted` and waiting for its client to come back. */
export interface ClosedSession extends SessionCommon {
  readonly status: "ended" | "interrupted";
  readonly endedAtMs: number;
  /** The WebSocket close code. */
  readonly closeCode: number;
  readonly reason: string;
}

/** What is known of one stream. */
export type SessionFacts = LiveSession | ClosedSession;

/** One stream, as stored. */
export type SessionRecord = SessionFacts & Stored;

/** Yes or no to one question about a chunk (SPEC M10, R4). */
export interface StoredAnswer {
  /** The rule and its version, as it was asked: `RULE.VERSION`. */
  readonly id: string;
  readonly yes: boolean;
  /** How likely that answer is right, 0 to 1. */
  readonly confidence: number;
}

/** What became of a chunk. */
export type ChunkOutcome =
  | {
    readonly status: "captioned";
    readonly caption: string;
    readonly latencyMs: number;
    readonly tokensGenerated: number | null;
    readonly model: string | null;
    /** What the model said to the wearer's questions; not there where it said nothing. */
    readonly answers?: readonly StoredAnswer[];
  }
  | { readonly status: "failed"; readonly error: string };

/** What is known of one chunk. Frames are not stored. */
export interface ChunkFacts {
  readonly sessionId: string;
  /** The chunk's place in its stream, from 0; chunks are listed in this order. */
  readonly index: number;
  /** Seconds since the stream began. */
  readonly startS: number;
  /** Seconds since the stream began. */
  readonly endS: number;
  readonly recordedAtMs: number;
  /** The newest frame that the chunk stands for; the stream's frames count from 1. */
  readonly lastFrame: number;
  /** Wall time at which that frame was taken, as the client says; null: it does not say. */
  readonly capturedAtMs: number | null;
  /** Frames that the chunk stands for, and their bytes. */
  readonly frameCount: number;
  readonly byteCount: number;
  /** Frames that travelled to the model (WIRE V4). */
  readonly sentFrameCount: number;
  readonly outcome: ChunkOutcome;
}

/** One chunk, as stored. */
export type ChunkRecord = ChunkFacts & Stored;

/** One send under an `Idempotency-Key` (WIRE P5). */
export interface PokeSendRecord extends Stored {
  /** SHA-256 over the client's key and the body. */
  readonly bodyHash: string;
  readonly state:
    | { readonly kind: "pending"; readonly claimId: string; readonly leaseUntilMs: number }
    /** `body` is null where the answer was too long to be kept. */
    | { readonly kind: "done"; readonly status: number; readonly body: string | null };
}

/** All that belongs to a wearer. */
export function wearerPrefix(wearer: string): Deno.KvKey {
  return ["wearer", wearer];
}

/** Holds a {@link SessionRecord}. */
export function sessionKey(wearer: string, sessionId: string): Deno.KvKey {
  return [...sessionPrefix(wearer), sessionId];
}

/** All sessions of a wearer. */
export function sessionPrefix(wearer: string): Deno.KvKey {
  return [...wearerPrefix(wearer), "session"];
}

/** Says that the session exists: by the time at which it began. */
export function sessionStartKey(
  wearer: string,
  startedAtMs: number,
  sessionId: string,
): Deno.KvKey {
  return [...sessionStartPrefix(wearer), startedAtMs, sessionId];
}

/** All sessions of a wearer, in the order in which they began. */
export function sessionStartPrefix(wearer: string): Deno.KvKey {
  return [...wearerPrefix(wearer), "session_start"];
}

/** Holds a {@link ChunkRecord}. */
export function chunkKey(wearer: string, sessionId: string, index: number): Deno.KvKey {
  return [...chunkPrefix(wearer, sessionId), index];
}

/** All chunks of a session, or of all sessions of a wearer. */
export function chunkPrefix(wearer: string, sessionId?: string): Deno.KvKey {
  const all = [...wearerPrefix(wearer), "chunk"];
  return sessionId === undefined ? all : [...all, sessionId];
}

/** Holds a {@link PokeSendRecord}. */
export function pokeSendKey(wearer: string, clientKeyHash: string): Deno.KvKey {
  return [...wearerPrefix(wearer), "poke_send", clientKeyHash];
}

/** Whether a value that KV still holds counts as gone. */
export function hasExpired(record: Stored, nowMs: number): boolean {
  return record.expiresAtMs !== null && record.expiresAtMs <= nowMs;
}

/** How long `RETENTION_DAYS` is, in milliseconds; 0 days: Infinity, for good. */
export function keptForMs(retentionDays: number): number {
  return retentionDays === 0 ? Infinity : Math.ceil(retentionDays * MS_PER_DAY);
}
