/**
 * What the tools act on, as the application gives it to them.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import type { RuleStore } from "../rules/store.ts";
import type { Hit } from "../timeline/search/search.ts";
import type { Cameras } from "../wearers/camera.ts";

/** What a tool has: all of it is the wearer's. */
export interface Means {
  readonly wearer: string;
  readonly books: Books;
  readonly rules: Pick<RuleStore, "add" | "list" | "remove">;
  readonly cameras: Cameras;
  readonly clock: Clock;
}

/** A question that cannot be answered: `detail` names the field, what it must be and what it is. */
export interface Refused {
  readonly kind: "refused";
  readonly detail: string;
}

/** Local times stand beside those in UTC where a zone was asked for. */
interface Span {
  readonly started_at: string;
  readonly started_at_local?: string | undefined;
  readonly ended_at: string;
  readonly ended_at_local?: string | undefined;
}

/** A stretch of time in which the captions said the same (SPEC T1). */
export interface Scene extends Span {
  readonly id: string;
  readonly session: string;
  readonly caption: string;
  readonly chunks: number;
  readonly first_chunk: number;
  readonly last_chunk: number;
}

/** What a search found. */
export type FoundScene = Omit<Hit, "started_at" | "ended_at"> & Span;

/** Which stretch of time, which page of it; times and zone as in SPEC T4. */
export interface ScenesQuery {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly limit: number;
  readonly order: "newest" | "oldest";
  readonly zone?: string | undefined;
  readonly cursor?: string | undefined;
}

/** What is looked for. */
export interface FindQuery {
  readonly query: string;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly limit: number;
  readonly zone?: string | undefined;
}

/** A stream that is open. */
export interface OpenStream {
  readonly session: string;
  readonly started_at: string;
  readonly started_at_local?: string | undefined;
  /** The newest frame that is in the books; null: none is yet. */
  readonly last_frame_at: string | null;
  readonly last_frame_at_local?: string | null | undefined;
}

/** What is there now. */
export interface Now {
  readonly kind: "now";
  readonly now: string;
  readonly streams: readonly OpenStream[];
  /** The newest first; those of open streams are among them. */
  readonly scenes: readonly (Scene & { readonly age_s: number })[];
}

/**
 * Reads one wearer's records: what HTTP answers to a question, the tools answer too. Every method
 * rejects with KV's own error.
 */
export interface Books {
  scenes(query: ScenesQuery): Promise<
    | {
      readonly kind: "page";
      readonly items: readonly Scene[];
      readonly next_cursor: string | null;
    }
    | Refused
  >;
  find(
    query: FindQuery,
  ): Promise<{ readonly kind: "found"; readonly hits: readonly FoundScene[] } | Refused>;
  now(zone: string | undefined): Promise<Now | Refused>;
  /** The day that it is there, and the day behind it: `2026-11-20`. */
  today(zone: string | undefined): { readonly date: string } | Refused;
}
