/**
 * Sessions and chunks for tests of the store and its writers.
 *
 * @module
 */
import type { ChunkFacts, ClosedSession, LiveSession } from "../../kv/keys.ts";
import { createSessionStore } from "../../kv/sessions.ts";
import { sha256Hex } from "../../kv/sha256.ts";
import { createFakeClock } from "../_fake_clock.ts";

export const DAY_MS = 86_400_000;
export const SECRET = "resume-me";

export const live: LiveSession = {
  id: "s1",
  wearer: "ann",
  owner: "a",
  resume: null,
  prompt: "look",
  accounted: { frame: 0, atS: 0 },
  status: "live",
  startedAtMs: 1,
  lastFrameAtMs: null,
  frameCount: 0,
  byteCount: 0,
  chunkCount: 0,
  captionCount: 0,
  errorCount: 0,
  identity: { appName: "app", className: "Class" },
};

export const ended: ClosedSession = {
  ...live,
  status: "ended",
  endedAtMs: 9,
  closeCode: 1000,
  reason: "bye",
};

export const captioned: ChunkFacts = {
  sessionId: "s1",
  index: 0,
  startS: 0,
  endS: 1.5,
  recordedAtMs: 5,
  lastFrame: 30,
  capturedAtMs: 4,
  frameCount: 30,
  byteCount: 90_000,
  sentFrameCount: 6,
  outcome: {
    status: "captioned",
    caption: "A dog.",
    latencyMs: 80,
    tokensGenerated: 3,
    model: "m",
  },
};

export const failed: ChunkFacts = {
  ...captioned,
  index: 1,
  outcome: { status: "failed", error: "no answer" },
};

/** A chunk that says so. */
export function says(caption: string, index: number): ChunkFacts {
  const outcome = { status: "captioned", latencyMs: 1, tokensGenerated: 1, model: null } as const;
  return { ...captioned, index, outcome: { ...outcome, caption } };
}

/** The live session, with a client that can come back until `untilMs`. */
export async function resumable(untilMs: number): Promise<LiveSession> {
  return { ...live, resume: { secretHash: await sha256Hex(SECRET), untilMs } };
}

/** What the client says that comes back as `owner`. */
export function claim(owner: string, secret = SECRET) {
  return { wearer: "ann", sessionId: "s1", secret, owner };
}

/** A store on a clock of its own. */
export function createStore(kv: Deno.Kv, retentionDays = 30) {
  const clock = createFakeClock();
  return { clock, store: createSessionStore({ kv, clock, retentionDays }) };
}

/** What becomes of a commit: as ever; not written; written, but the answer is lost. */
export type Fate = "answers" | "refused" | "answer_lost";

/** A real KV whose commits go as the test says. Reads are as ever. */
export function faultyKv(kv: Deno.Kv, next: () => Fate | Promise<Fate>): Deno.Kv {
  const commit = async (operation: Deno.AtomicOperation) => {
    const fate = await next();
    if (fate === "refused") throw new Error("KV refuses");
    const answer = await operation.commit();
    if (fate === "answer_lost") throw new Error("the answer is lost");
    return answer;
  };
  const atomic = () => {
    const operation = kv.atomic();
    const faulty = {
      check: (
        ...args: Parameters<Deno.AtomicOperation["check"]>
      ) => (operation.check(...args), faulty),
      set: (...args: Parameters<Deno.AtomicOperation["set"]>) => (operation.set(...args), faulty),
      delete: (key: Deno.KvKey) => (operation.delete(key), faulty),
      commit: () => commit(operation),
    };
    return faulty;
  };
  const replaced: Record<PropertyKey, unknown> = { atomic };
  return new Proxy(kv, {
    get(target, name) {
      if (name in replaced) return replaced[name];
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
