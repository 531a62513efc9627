/**
 * Wearers with rules, and the books that their chunks go into.
 *
 * @module
 */
import { systemClock } from "../clock.ts";
import { createCounters } from "../counters.ts";
import type { ChunkFacts, LiveSession } from "../kv/keys.ts";
import { messagePrefix } from "../kv/outbox_keys.ts";
import { openMannersBook } from "../kv/manners.ts";
import { createRateLimiter } from "../kv/rate_limits.ts";
import { RuleCourses } from "../kv/rule_courses.ts";
import type { Rule } from "../kv/rule_keys.ts";
import type { SessionWriter } from "../kv/session_writer.ts";
import { createSessionStore } from "../kv/sessions.ts";
import { createLogger } from "../log.ts";
import { createChannels } from "../messaging/channels.ts";
import { Outbox } from "../messaging/outbox.ts";
import { RuleEvaluator } from "../rules/evaluator.ts";
import { questionIdOf } from "../rules/question.ts";
import { RULE_DRAFT } from "../rules/rule.ts";
import { createSearchIndexer } from "../timeline/search/indexer.ts";
import { segmentsAlongside } from "../timeline/segments.ts";

const KEPT_MS = 30 * 24 * 60 * 60 * 1000;

/**
 * What is answered: no to all, which writes nothing; yes to the first or to all, which hold for long
 * and are written with each chunk; or yes to the first so that it fires in every fifth chunk.
 */
export type Answering = "no" | "one_holds" | "all_hold" | "one_fires";

/** The books. */
export interface RuleBooks {
  readonly kv: Deno.Kv;
  readonly names: readonly string[];
  /** Null: nobody has rules. */
  readonly rulesOf: ((wearer: string) => readonly Rule[]) | null;
  /** Writes the next chunk of a wearer. */
  write(wearer: number, round: number): Promise<void>;
  /** Until what was enqueued is sent. */
  settled(): Promise<void>;
  /** How many messages there are in all. */
  messageCount(): Promise<number>;
  close(): Promise<void>;
}

/** Opens new books; without an answering nobody has rules. */
export async function openRuleBooks(
  path: string,
  { wearers, rules }: { readonly wearers: number; readonly rules: number },
  answering: Answering | null,
): Promise<RuleBooks> {
  const kv = await Deno.openKv(path);
  const names = Array.from({ length: wearers }, (_, at) => `wearer-${at}`);
  const asked = Array.from({ length: rules }, (_, at) => ruleOf(at, answering));
  const rulesOf = answering === null ? null : () => asked;
  const outbox = openOutbox(kv);
  const made = { kv, clock: systemClock };
  const keptForMs = () => Promise.resolve(KEPT_MS);
  const evaluator = new RuleEvaluator({
    clock: systemClock,
    courses: new RuleCourses({ ...made, keptForMs }),
    manners: openMannersBook(kv),
    outbox,
    rulesOf: rulesOf ?? (() => []),
    look: () => Promise.reject(new Error("nobody looks twice")),
    leaseMs: 60_000,
    goesOn: () => {},
    counters: createCounters(),
    log: createLogger("error", () => {}),
  });
  const store = createSessionStore({
    ...made,
    retentionDays: 30,
    alongside: [createSearchIndexer(made), segmentsAlongside(made), evaluator.alongside],
  });
  const streams = names.map((wearer, at) => {
    const session = sessionOf(wearer, at);
    return { session, writer: store.begin(session) };
  });
  await Promise.all(streams.map(({ session, writer }) => writer.write(session)));
  return {
    kv,
    names,
    rulesOf,
    write: (wearer, round) => writeChunk(streams[wearer]!, round, asked, answering),
    settled: () => outbox.quiet(),
    async messageCount() {
      let count = 0;
      for (const name of names) {
        for await (const _ of kv.list({ prefix: messagePrefix(name) })) count++;
      }
      return count;
    },
    async close() {
      await outbox.close();
      kv.close();
    },
  };
}

function ruleOf(at: number, answering: Answering | null): Rule {
  const fires = answering === "one_fires";
  const draft = RULE_DRAFT.parse({
    when: `thing number ${at} can be seen on the table`,
    hold_s: fires ? 0 : 3600,
    cooldown_s: 0,
    max_per_day: 100,
    confirm: false,
    then: { channel: "log" },
    active_hours: { from: "00:00", to: "24:00", zone: "Europe/Berlin" },
  });
  return { ...draft, id: crypto.randomUUID(), version: 1, createdAtMs: 0, changedAtMs: 0 };
}

async function writeChunk(
  { session, writer }: { readonly session: LiveSession; readonly writer: SessionWriter },
  round: number,
  rules: readonly Rule[],
  answering: Answering | null,
): Promise<void> {
  const answers = rules.map((rule, at) => {
    return { id: questionIdOf(rule), yes: isYes(answering, at, round), confidence: 0.97 };
  });
  // What is said twice within a minute is said once, so firings are further apart.
  const lengthS = answering === "one_fires" ? 20 : 1;
  const chunk: ChunkFacts = {
    sessionId: session.id,
    index: round,
    startS: round * lengthS,
    endS: (round + 1) * lengthS,
    recordedAtMs: Date.now(),
    lastFrame: 3 * round + 3,
    capturedAtMs: null,
    frameCount: 3,
    byteCount: 90_000,
    sentFrameCount: 3,
    outcome: {
      status: "captioned",
      caption: `A cup stands on a wooden table beside book ${round}, and nothing moves.`,
      latencyMs: 400,
      tokensGenerated: 18,
      model: "m",
      ...answering !== null && { answers },
    },
  };
  const outcome = await writer.write({ ...session, chunkCount: round + 1 }, chunk);
  if (outcome !== "written") throw new Error(`The chunk was not written: ${outcome}`);
}

function isYes(answering: Answering | null, rule: number, round: number): boolean {
  switch (answering) {
    case "all_hold":
      return true;
    case "one_holds":
      return rule === 0;
    case "one_fires":
      // Two convince, three take it back.
      return rule === 0 && round % 5 < 2;
    default:
      return false;
  }
}

function openOutbox(kv: Deno.Kv): Outbox {
  const channel = {
    isIdempotent: true,
    deliver: () => Promise.resolve({ kind: "delivered", answer: null } as const),
  };
  return new Outbox({
    kv,
    clock: systemClock,
    channels: createChannels({ log: channel }),
    rateLimiter: createRateLimiter({ kv, clock: systemClock }),
    perDay: 0,
    retentionDays: 30,
    wanted: () => Promise.resolve({ kind: "yes" }),
    newId: () => crypto.randomUUID(),
    random: Math.random,
    counters: createCounters(),
    log: createLogger("error", () => {}),
  });
}

function sessionOf(wearer: string, at: number): LiveSession {
  return {
    id: `session-${at}`,
    wearer,
    owner: "bench",
    resume: null,
    prompt: "look",
    accounted: { frame: 0, atS: 0 },
    status: "live",
    startedAtMs: Date.now(),
    lastFrameAtMs: null,
    frameCount: 0,
    byteCount: 0,
    chunkCount: 0,
    captionCount: 0,
    errorCount: 0,
    identity: null,
  };
}
