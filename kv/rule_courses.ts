/**
 * How a wearer's rules stand, in the books: read with each chunk that answers for them, written where
 * anything changed, by as many streams as the wearer has.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { CONFLICT, retryContended } from "./_retry_contended.ts";
import {
  ruleCoursesKey,
  type RuleCoursesRecord,
  type RuleEventFacts,
  ruleEventKey,
  ruleEventPrefix,
  type RuleEventRecord,
} from "./firing_keys.ts";
import { hasExpired, type Stored } from "./keys.ts";

/** How all rules stand, without what KV needs beside. */
export type Courses = Omit<RuleCoursesRecord, keyof Stored>;

/** The courses as they were read: {@link RuleCourses.put} writes unless they have changed since. */
export interface CoursesEntry {
  readonly courses: Courses;
  readonly check: Deno.AtomicCheck;
}

/** What becomes of the courses; null: they stay as they are, and nothing is written. */
export type Turn<T> = (
  courses: Courses,
  commit: Deno.AtomicOperation,
  keptForMs: number,
) => Promise<{ readonly courses: Courses; readonly value: T } | null>;

/** A page of events, and where the next one begins; null: there is none. */
export interface RuleEventPage {
  readonly items: readonly RuleEventRecord[];
  readonly next: EventPosition | null;
}

/** Where a page ends: the parts of the last key. */
export type EventPosition = readonly [dueMs: number, session: string, index: number];

/** What {@link RuleCourses} need. */
export interface RuleCoursesOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
  /** How long a wearer's events and unused courses stay; Infinity: for good. Never rejects. */
  readonly keptForMs: (wearer: string) => Promise<number>;
}

const NONE: Courses = { courses: {}, counted: [], said: [] };

/** The courses and events of all wearers. Every method rejects with KV's own error. */
export class RuleCourses {
  readonly #kv: Deno.Kv;
  readonly #clock: Clock;
  readonly #keptForMs: (wearer: string) => Promise<number>;

  constructor({ kv, clock, keptForMs }: RuleCoursesOptions) {
    this.#kv = kv;
    this.#clock = clock;
    this.#keptForMs = keptForMs;
  }

  /** Reads them. */
  async read(wearer: string): Promise<CoursesEntry> {
    const { key, value, versionstamp } = await this.#kv.get<RuleCoursesRecord>(
      ruleCoursesKey(wearer),
    );
    const isThere = value && !hasExpired(value, this.#clock.epochMs());
    return { courses: isThere ? value : NONE, check: { key, versionstamp } };
  }

  /** Adds them to a commit, which fails if another has written them since they were read. */
  put(
    commit: Deno.AtomicOperation,
    { check }: CoursesEntry,
    courses: Courses,
    keptForMs: number,
  ): void {
    const { stored, expiry } = this.#life(keptForMs);
    commit.check(check).set(check.key, { ...courses, ...stored }, expiry);
  }

  /** Adds an event to a commit, or what has become of it. */
  addEvent(
    commit: Deno.AtomicOperation,
    wearer: string,
    event: RuleEventFacts,
    keptForMs: number,
  ): void {
    const { stored, expiry } = this.#life(keptForMs);
    const record: RuleEventRecord = { ...event, ...stored };
    commit.set(ruleEventKey(wearer, event), record, expiry);
  }

  /** Makes of the courses what `turn` says, which is asked again where somebody else was faster. */
  async change<T>(wearer: string, turn: Turn<T>): Promise<T | null> {
    return await retryContended(this.#clock, "change how rules stand", async () => {
      const entry = await this.read(wearer);
      const commit = this.#kv.atomic();
      const keptForMs = await this.#keptForMs(wearer);
      const turned = await turn(entry.courses, commit, keptForMs);
      if (!turned) return null;
      this.put(commit, entry, turned.courses, keptForMs);
      return (await commit.commit()).ok ? turned.value : CONFLICT;
    });
  }

  /** One event; null: there is none. */
  async event(
    wearer: string,
    which: Pick<RuleEventFacts, "ruleId" | "dueMs" | "session" | "index">,
  ): Promise<RuleEventRecord | null> {
    const { value } = await this.#kv.get<RuleEventRecord>(ruleEventKey(wearer, which));
    return value && !hasExpired(value, this.#clock.epochMs()) ? value : null;
  }

  /** Events of a rule, the newest first. */
  async events(
    wearer: string,
    ruleId: string,
    { limit, after }: { readonly limit: number; readonly after: EventPosition | null },
  ): Promise<RuleEventPage> {
    const prefix = ruleEventPrefix(wearer, ruleId);
    const selector = after ? { prefix, end: [...prefix, ...after] } : { prefix };
    const items: RuleEventRecord[] = [];
    const nowMs = this.#clock.epochMs();
    const options = { reverse: true, batchSize: Math.min(limit + 1, 500) };
    for await (const { value } of this.#kv.list<RuleEventRecord>(selector, options)) {
      if (hasExpired(value, nowMs)) continue;
      if (items.length === limit) {
        const { dueMs, session, index } = items.at(-1)!;
        return { items, next: [dueMs, session, index] };
      }
      items.push(value);
    }
    return { items, next: null };
  }

  #life(keptForMs: number): { stored: Stored; expiry: { expireIn?: number } } {
    if (keptForMs === Infinity) return { stored: { version: 1, expiresAtMs: null }, expiry: {} };
    const expiresAtMs = this.#clock.epochMs() + keptForMs;
    return { stored: { version: 1, expiresAtMs }, expiry: { expireIn: keptForMs } };
  }
}
