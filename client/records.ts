/**
 * What the server remembers, as it stands in its answers (SPEC T, R, O, A). Times are ISO 8601 in UTC;
 * where a zone is asked for, `..._local` beside them is the same in local time.
 *
 * @module
 */

/** One page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Null: there is no further page. */
  readonly next_cursor: string | null;
}

/** A stretch in which captions said the same (T1). */
export interface Segment {
  readonly id: string;
  readonly session: string;
  readonly started_at: string;
  readonly started_at_local?: string;
  readonly ended_at: string;
  readonly ended_at_local?: string;
  readonly caption: string;
  readonly chunks: number;
  readonly first_chunk: number;
  readonly last_chunk: number;
}

/** A segment that begins or grows (T6). */
export interface LiveSegment extends Segment {
  readonly extended: boolean;
}

/** A session (T5). */
export interface Session {
  readonly id: string;
  readonly status: "live" | "ended" | "interrupted";
  readonly started_at: string;
  readonly last_frame_at: string | null;
  readonly ended_at: string | null;
  readonly close_code: number | null;
  readonly close_reason: string | null;
  readonly prompt: string;
  readonly frames: number;
  readonly bytes: number;
  readonly chunks: number;
  readonly captions: number;
  readonly errors: number;
  readonly model_app: string | null;
  readonly model_class: string | null;
}

/** A chunk of a session (T5): `caption`, or `inference_error`. */
export interface Chunk {
  readonly index: number;
  readonly started_at: string;
  readonly ended_at: string;
  readonly captured_at: string | null;
  readonly recorded_at: string;
  readonly chunk_start_s: number;
  readonly chunk_end_s: number;
  readonly frame: number;
  readonly frames: number;
  readonly frames_sent: number;
  readonly bytes: number;
  readonly caption?: string;
  readonly latency_ms?: number;
  readonly tokens_generated?: number | null;
  readonly model?: string | null;
  readonly answers?: readonly { id: string; yes: boolean; confidence: number }[];
  readonly inference_error?: string;
}

/** What a search found. */
export interface SearchHit {
  readonly session: string;
  readonly chunks: { readonly first: number; readonly last: number };
  readonly started_at: string;
  readonly ended_at: string;
  readonly caption: string;
  readonly score: number;
  /** Which word of the search stands where in `caption`, in UTF-16 units; `to` lies behind it. */
  readonly matched: readonly { word: string; from: number; to: number }[];
}

/** The answer to a question about the past (T9), told apart by `outcome`. */
export type AskReply =
  & {
    readonly segments: readonly Segment[];
    /** Ids of segments that it rests on. */
    readonly citations: readonly string[];
  }
  & (
    | { readonly outcome: "answered" | "unknown"; readonly answer: string; readonly reason: null }
    | { readonly outcome: "unanswered"; readonly answer: null; readonly reason: string }
  );

/** The states of a message (O). */
export type MessageState = "queued" | "claimed" | "delivered" | "dead" | "uncertain" | "dropped";

/** A message that left, or is to leave (O). */
export interface OutboxMessage {
  readonly id: string;
  readonly state: MessageState;
  readonly channel: string;
  readonly to: string | null;
  readonly text: string | null;
  readonly cause: unknown;
  readonly created_at: string;
  readonly give_up_at: string;
  readonly due_at: string | null;
  readonly ended_at: string | null;
  readonly attempts: number;
  readonly may_have_arrived: boolean;
  readonly resent: boolean;
  readonly reason: string | null;
  readonly answer: unknown;
}

/** Whether anything is looked at (A14). */
export type Camera =
  | { readonly state: "on" }
  | { readonly state: "paused"; readonly since: string; readonly until: string | null };

/** What a token may do (A5, A15). */
export type Scope = "stream" | "read" | "poke" | "rules" | "admin" | "live" | "timeline";

/** How long a token is good: one of both. */
export type Life = { readonly expires_in_s: number } | { readonly expires_at: string };

/** A link as it is made; it is told its token this once (A15). */
export interface MadeLink {
  readonly id: string;
  readonly scopes: readonly ("live" | "timeline")[];
  readonly expires_at: string;
  readonly label: string | null;
  readonly token: string;
  readonly urls: { readonly live?: string; readonly timeline?: string };
}

/** A link among others. */
export interface Link {
  readonly id: string;
  readonly scopes: readonly ("live" | "timeline")[];
  readonly label: string | null;
  readonly issued_at: string;
  readonly expires_at: string;
  readonly revoked_at: string | null;
}

/** A token among others (A9). */
export interface Token {
  readonly id: string;
  readonly wearer: string;
  readonly scopes: readonly Scope[];
  readonly label: string | null;
  readonly key: string;
  readonly issued_by: string | null;
  readonly issued_at: string;
  readonly expires_at: string;
  readonly revoked_at: string | null;
}

/** How long records stay (A13). */
export interface Retention {
  readonly wearer: string;
  readonly days: number;
  readonly own_days: number | null;
  readonly default_days: number;
  readonly last_sweep:
    | {
      readonly at: string;
      readonly counts: Readonly<Record<string, number>>;
      readonly left_older: number;
    }
    | null;
}

/** That a wearer is erased (A12). */
export interface Receipt {
  readonly wearer: string;
  readonly state: "erased";
  readonly started_at: string;
  readonly erased_at: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly file: "scrubbed" | "not_scrubbed" | "not_ours";
}

/** An erasure that is not over yet (A12). */
export interface ErasureUnderWay {
  readonly wearer: string;
  readonly state: "under_way";
  readonly started_at: string;
  readonly counts: Readonly<Record<string, number>>;
}

/** A line of an export (A11); the last is `end`. */
export type ExportLine =
  | { readonly record: "end"; readonly counts: Readonly<Record<string, number>> }
  | { readonly record: string; readonly key: readonly unknown[]; readonly value: unknown };

/** Whether the process lives (H1). */
export interface Health {
  readonly status: "ok";
  readonly uptime_s: number;
  readonly streams: number;
  readonly draining: boolean;
  readonly kv_failures: number;
}

/** What the glasses can be asked to look for. */
export interface Profile {
  readonly name: string;
  readonly about: string;
  readonly prompt: string;
}
