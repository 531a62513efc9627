/**
 * Rules and what became of them, as they stand in the server's answers (SPEC R).
 *
 * @module
 */
import type { OutboxMessage } from "./records.ts";

/** Hours of the day, `08:00` to `22:00`, in an IANA zone. */
export interface Hours {
  readonly from: string;
  readonly to: string;
  readonly zone: string;
}

/** A rule as it is written: all but `when` has a default (R1). */
export interface RuleDraft {
  readonly when: string;
  readonly kind?: "seen" | "absent";
  readonly hold_s?: number;
  readonly name?: string;
  readonly then?: {
    readonly message?: string;
    readonly channel?: "poke" | "webhook" | "log";
    readonly to?: string | null;
  };
  readonly cooldown_s?: number;
  readonly active_hours?:
    | Hours & { readonly days?: readonly ("mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun")[] }
    | null;
  readonly max_per_day?: number;
  readonly enabled?: boolean;
  readonly confirm?: boolean;
}

/** A rule as it is kept. */
export interface Rule extends Required<RuleDraft> {
  readonly id: string;
  /** Rises with each change. */
  readonly version: number;
  readonly then: Required<NonNullable<RuleDraft["then"]>>;
  readonly created_at: string;
  readonly changed_at: string;
}

/** Changes to a rule: null brings a default back (R3). */
export type RulePatch = { readonly [Field in keyof RuleDraft]?: RuleDraft[Field] | null };

/** What a firing rests on. */
export interface Evidence {
  readonly since: string;
  readonly held_s: number;
  readonly chunks: readonly { session: string; first: number; last: number }[];
  readonly answers: {
    readonly count: number;
    readonly mean_chance: number;
    readonly last: readonly { session: string; index: number; yes: boolean; confidence: number }[];
  };
}

/** One time that a rule was due (R7). */
export interface RuleEvent extends Evidence {
  readonly due_at: string;
  readonly rule_version: number;
  readonly outcome: "confirming" | "fired" | "not_confirmed" | "not_asked" | "held_back";
  readonly reason: string | null;
  readonly confirmation: string | null;
  readonly message: string | null;
  readonly delivery: OutboxMessage | null;
}

/** When a rule would have fired (R9). */
export interface RuleTest {
  readonly would_fire: readonly (Evidence & { readonly at: string })[];
  /** Chunks. */
  readonly judged: number;
  readonly judged_by_caption: number;
  readonly not_judged: number;
  readonly reason: string | null;
}

/** How a wearer wants to be spoken to (R8). */
export interface Manners {
  readonly quiet_hours: Hours | null;
  readonly max_per_day: number;
}
