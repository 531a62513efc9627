/**
 * A frame as it comes, and what becomes of it, as the client is told (WIRE S2).
 *
 * @module
 */

/** One frame as it came. */
export interface ArrivedFrame {
  readonly bytes: Uint8Array;
  /** The session's frames count from 1. */
  readonly number: number;
  /** Wall time at which it was taken, as the client says; null: it does not say. */
  readonly capturedAtMs: number | null;
}

/** Decided the moment a frame comes. A queued frame is part of the next chunk that leaves. */
export type FrameFate =
  | { readonly status: "queued" }
  /** Too like the last one that was queued. */
  | { readonly status: "skipped" }
  | { readonly status: "dropped"; readonly reason: DropReason };

/** `busy`: nobody can look at it now, or there is no model at all. */
export type DropReason = "busy" | "budget" | "paused";

export const QUEUED: FrameFate = { status: "queued" };
export const SKIPPED: FrameFate = { status: "skipped" };
export const DROPPED: Readonly<Record<DropReason, FrameFate>> = {
  busy: { status: "dropped", reason: "busy" },
  budget: { status: "dropped", reason: "budget" },
  paused: { status: "dropped", reason: "paused" },
};
