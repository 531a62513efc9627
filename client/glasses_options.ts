/**
 * What a stream is made of, and what it says of itself.
 *
 * @module
 */
import type { Access } from "./access.ts";
import type { BackOff } from "./_back_off.ts";
import type { FrameBounds } from "./_frames.ts";
import type { Ending } from "./_line.ts";
import type { SendBounds } from "./_sender.ts";
import type { Closed } from "./_verdict.ts";
import type { Ack, Limits, ServerMessage } from "./messages.ts";
import type { Platform } from "./platform.ts";

/** What lets a client come back; `resume` is a secret. */
export interface Remembered {
  readonly session: string;
  readonly resume: string;
  /** The newest result that was heard. */
  readonly cursor: number;
}

/** Where the stream stands. */
export type State =
  /** `attempt` counts from 1 since a connection last stood. */
  | { readonly kind: "connecting"; readonly attempt: number }
  | {
    readonly kind: "open";
    readonly session: string;
    /** Whether a session goes on that began over another connection. */
    readonly isResumed: boolean;
    readonly limits: Limits;
  }
  | {
    readonly kind: "waiting";
    /** Connections in a row that did not stand. */
    readonly failures: number;
    readonly delayMs: number;
    readonly reason: string;
  }
  | { readonly kind: "closed"; readonly why: Closed };

/** An ack, and the frame that it is about. */
export interface HeardAck extends Ack {
  /** As `send` numbered it; null: its frame is settled already. */
  readonly given: number | null;
  /** From sending to hearing; null as above. */
  readonly latencyMs: number | null;
}

/** Everything that happens, in order, for logs and tests. Connections count from 1. */
export type Trace =
  | { readonly kind: "connecting"; readonly connection: number; readonly claim: Remembered | null }
  | {
    readonly kind: "sent";
    readonly connection: number;
    /** As the server counts it. */
    readonly number: number;
    readonly given: number;
  }
  | { readonly kind: "heard"; readonly connection: number; readonly message: ServerMessage }
  | { readonly kind: "ended"; readonly connection: number; readonly ending: Ending };

/** What a stream is made of. All but the first two have defaults. */
export interface GlassesOptions extends Partial<FrameBounds>, Partial<SendBounds> {
  /** `https://host`, or the whole `wss:` address of the stream; or who says it, for each attempt. */
  readonly url: string | (() => string);
  readonly access: Access;
  /** What to look for, by its name at `GET /profiles`, until `lookFor` says otherwise. */
  readonly profile?: string;
  /** A session to go on with, as `remembered` said it. */
  readonly resumeFrom?: Remembered | null;
  readonly handshakeTimeoutMs?: number;
  /** A server that acknowledges nothing for so long is not there. */
  readonly answerTimeoutMs?: number;
  readonly backOff?: BackOff;
  /** Others may take the session so often in a row; then it is left to them. */
  readonly maxTakeovers?: number;
  readonly trace?: (event: Trace) => void;
  readonly platform?: Partial<Platform>;
}

const DEFAULTS = {
  // Live: what is newer is better.
  maxWaiting: 1,
  maxUnacked: 32,
  maxBufferedBytes: 256 * 1024,
  maxKept: 600,
  maxKeptBytes: 32 * 2 ** 20,
  lostFrames: "again",
  handshakeTimeoutMs: 10_000,
  answerTimeoutMs: 10_000,
  backOff: { firstMs: 500, maxMs: 30_000 },
  maxTakeovers: 5,
} as const satisfies Partial<GlassesOptions>;

/** Options of which none that has a default is missing. */
export type CompleteOptions =
  & GlassesOptions
  & Required<Pick<GlassesOptions, keyof typeof DEFAULTS>>;

/** Fills in what is missing. */
export function complete(options: GlassesOptions): CompleteOptions {
  return { ...DEFAULTS, ...options };
}
