/**
 * Rules that are evaluated in real commits: real KV, the real outbox, answers of the test's own.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { createCounters } from "../../counters.ts";
import type { ChunkFacts, LiveSession } from "../../kv/keys.ts";
import type { Manners } from "../../kv/firing_keys.ts";
import { openMannersBook } from "../../kv/manners.ts";
import { RuleCourses } from "../../kv/rule_courses.ts";
import type { Rule } from "../../kv/rule_keys.ts";
import type { SessionWriter } from "../../kv/session_writer.ts";
import { createSessionStore } from "../../kv/sessions.ts";
import { createLogger } from "../../log.ts";
import { RuleEvaluator, type SecondLook } from "../../rules/evaluator.ts";
import { createFakeClock, type FakeClock } from "../_fake_clock.ts";
import { captioned, live } from "../kv/_sessions.ts";
import { createBench } from "../messaging/_outbox.ts";
import { draft } from "./_rules.ts";

/** When all begins. */
export const START_MS = Date.UTC(2026, 0, 1);
const KEPT_MS = 30 * 24 * 60 * 60 * 1000;
/** A lease is as long. */
export const LEASE_MS = 30_000;

/** A rule that anybody may have; it fires on the second certain answer, without a second look. */
export function ruleOf(id: string, body: Readonly<Record<string, unknown>> = {}): Rule {
  const whole = { hold_s: 0, cooldown_s: 0, confirm: false, then: { channel: "log" }, ...body };
  return { ...draft(whole), id, version: 1, createdAtMs: START_MS, changedAtMs: START_MS };
}

/** What a process is like. */
export interface ProcessOptions {
  readonly clock?: FakeClock;
  /** Who waits in earnest, as several write at once. */
  readonly waitsBy?: Clock;
  readonly rules: (wearer: string) => readonly Rule[];
  readonly look?: SecondLook;
  readonly manners?: Manners;
  /** Commits go through this one. */
  readonly books?: Deno.Kv;
}

/** One process on the books. */
export function createProcess(kv: Deno.Kv, options: ProcessOptions) {
  const { clock = createFakeClock(START_MS), rules: rulesOf, books = kv } = options;
  const { manners = { quietHours: null, maxPerDay: 50 } } = options;
  const sent: string[] = [];
  const log = {
    isIdempotent: true,
    deliver: ({ text }: { readonly text: string }) => {
      sent.push(text);
      return Promise.resolve({ kind: "delivered", answer: null } as const);
    },
  };
  const { outbox } = createBench(kv, { clock, channels: { log } });
  const going = new Set<Promise<void>>();
  const logged: string[] = [];
  const made = { kv: books, clock: options.waitsBy ?? clock, retentionDays: 30 };
  const courses = new RuleCourses({ ...made, keptForMs: () => Promise.resolve(KEPT_MS) });
  const evaluator = new RuleEvaluator({
    clock,
    courses,
    manners: { ...openMannersBook(kv), get: () => Promise.resolve(manners) },
    outbox,
    rulesOf,
    look: options.look ?? (() => Promise.reject(new Error("nobody looks again"))),
    leaseMs: LEASE_MS,
    goesOn: (work) => void going.add(work),
    counters: createCounters(),
    log: createLogger("debug", (line) => void logged.push(line)),
  });
  const store = createSessionStore({ ...made, alongside: [evaluator.alongside] });
  /** Until second looks are concluded and messages are sent. */
  const quiet = async () => {
    await Promise.all(going);
    await outbox.quiet();
  };
  return { clock, courses, store, outbox, sent, logged, quiet };
}

/** What is answered, by the question's id: whether it is so, or how likely. */
export type Answers = Readonly<Record<string, boolean | number>>;

/** A stream whose chunks are a second long each. */
export class Watching {
  readonly session: LiveSession;
  readonly #writer: SessionWriter;
  #index = 0;
  #atS = 0;

  constructor(
    { store }: Pick<ReturnType<typeof createProcess>, "store">,
    id = "s1",
    wearer = "ann",
  ) {
    this.session = { ...live, id, wearer, startedAtMs: START_MS };
    this.#writer = store.begin(this.session);
  }

  begin() {
    return this.#writer.write(this.session);
  }

  /** Nobody looks for so long. */
  pass(seconds: number): void {
    this.#atS += seconds;
  }

  /** A chunk of which was answered so, by the question's id. */
  async see(answers: Answers, gap = 0): Promise<string> {
    return await this.#writer.write(...this.#next(answers, gap));
  }

  /** The same, until KV has said that it is written. */
  async seeSurely(answers: Answers): Promise<void> {
    const next = this.#next(answers, 0);
    for (let attempts = 0; attempts < 100; attempts++) {
      try {
        if (await this.#writer.write(...next) === "written") return;
        throw new Error("taken over");
      } catch (error) {
        if (error instanceof Error && error.message === "taken over") throw error;
      }
    }
    throw new Error("never written");
  }

  #next(answers: Answers, gap: number): [LiveSession, ChunkFacts] {
    this.#atS += gap;
    const all = Object.entries(answers).map(([id, given]) => {
      const chance = typeof given === "number" ? given : given ? 0.99 : 0.01;
      return { id, yes: chance >= 0.5, confidence: Math.max(chance, 1 - chance) };
    });
    const outcome = { ...captioned.outcome, answers: all } as ChunkFacts["outcome"];
    const chunk: ChunkFacts = {
      ...captioned,
      sessionId: this.session.id,
      index: this.#index++,
      startS: this.#atS,
      endS: ++this.#atS,
      outcome,
    };
    return [{ ...this.session, chunkCount: this.#index }, chunk];
  }
}
