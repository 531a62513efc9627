/**
 * Where a connection begins: with a new session, or in the middle of one that another connection,
 * here or in another process, has left (WIRE S4).
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import type { ModelIdentity } from "../inference/client.ts";
import type { ChunkRecord, LiveSession } from "../kv/keys.ts";
import type { SessionStore } from "../kv/sessions.ts";
import { sha256Hex } from "../kv/sha256.ts";
import { MAX_HISTORY } from "./_history.ts";
import type { LiveStreams } from "./live_streams.ts";
import type { SessionStart } from "./session.ts";

const SECRET_BYTES = 32;

/** What beginnings are made of. */
export interface BeginningDeps {
  readonly sessions: SessionStore;
  readonly streams: LiveStreams;
  readonly clock: Clock;
  readonly newId: () => string;
}

/** What is decided about a stream before it begins. */
export interface Beginning {
  readonly wearer: string;
  /** Null: it is not captioned. */
  readonly identity: ModelIdentity | null;
  /** What to look for. */
  readonly prompt: string;
  /** How long the client may stay away; null: it cannot come back. */
  readonly resumeMs: number | null;
}

/** What a client remembers of its session. */
export interface Claim {
  readonly sessionId: string;
  readonly secret: string;
  /** The newest result that it has seen. */
  readonly cursor: number;
}

/** A session that needs a place yet, and what its client proves itself with next time. */
export interface Begun extends Omit<SessionStart, "lease" | "guard"> {
  readonly secret: string;
}

/** Begins a new session. */
export async function beginSession(deps: BeginningDeps, beginning: Beginning): Promise<Begun> {
  const { clock, newId, sessions } = deps;
  const { wearer, identity, prompt, resumeMs } = beginning;
  const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES))
    .toBase64({ alphabet: "base64url", omitPadding: true });
  const session: LiveSession = {
    id: newId(),
    wearer,
    owner: newId(),
    resume: resumeMs === null ? null : {
      secretHash: await sha256Hex(secret),
      untilMs: clock.epochMs() + resumeMs,
    },
    status: "live",
    startedAtMs: clock.epochMs(),
    lastFrameAtMs: null,
    prompt,
    accounted: { frame: 0, atS: 0 },
    frameCount: 0,
    byteCount: 0,
    chunkCount: 0,
    captionCount: 0,
    errorCount: 0,
    identity: identity && { appName: identity.appName, className: identity.className },
  };
  const captions = { nowS: 0, describedS: 0, history: [], prompt };
  return { session, writer: sessions.begin(session), identity, captions, unseen: null, secret };
}

/**
 * Goes on with the session that the client claims; null: it is unknown, too old, or not the client's.
 * Rejects with KV's own error.
 *
 * @param prompt what to look for from now on; null: what was looked for before
 */
export async function goOnWith(
  deps: BeginningDeps,
  { wearer, identity }: Beginning,
  claim: Claim,
  prompt: string | null,
): Promise<Begun | null> {
  const { clock, newId, sessions, streams } = deps;
  const { sessionId, secret } = claim;
  const taken = await sessions.takeOver({ wearer, sessionId, secret, owner: newId() });
  if (taken.kind === "unknown") return null;
  streams.replace(sessionId);
  const history = await sessions.recentCaptions(wearer, sessionId, MAX_HISTORY);
  const { accounted, startedAtMs, chunkCount } = taken.session;
  const session = {
    ...taken.session,
    // What came behind was lost with the connection before, and comes again if the client has it.
    frameCount: accounted.frame,
    prompt: prompt ?? taken.session.prompt,
  };
  const describedS = accounted.atS;
  // Clocks of two machines differ, but a session's time never runs backwards.
  const nowS = Math.max(describedS, (clock.epochMs() - startedAtMs) / 1000);
  return {
    session,
    writer: taken.writer,
    identity,
    captions: { nowS, describedS, history, prompt: session.prompt },
    unseen: before(chunkCount, sessions.listChunks(wearer, sessionId, claim.cursor)),
    secret,
  };
}

/** What this connection adds to the books while they are read is not part of what came before. */
async function* before(
  chunkCount: number,
  chunks: AsyncIterable<ChunkRecord>,
): AsyncGenerator<ChunkRecord> {
  for await (const chunk of chunks) {
    if (chunk.index >= chunkCount) return;
    yield chunk;
  }
}
