/**
 * The part of the data model (`keys.ts`) that holds standing orders: what a wearer has said from
 * outside to all its streams.
 *
 * @module
 */
import { type Stored, wearerPrefix } from "./keys.ts";

/** The camera is paused. `expiresAtMs` is when the pause ends; null: when somebody ends it. */
export interface CameraRecord extends Stored {
  readonly sinceMs: number;
}

/** What all streams of a wearer obey, on every process. */
export type Order = {
  readonly kind: "camera_paused";
  readonly sinceMs: number;
  /** Null: until it is taken back. */
  readonly untilMs: number | null;
};

/** What is known of a wearer's orders. */
export type Orders =
  | { readonly kind: "known"; readonly orders: readonly Order[] }
  /** KV has not said yet: whatever an order might forbid is forbidden. */
  | { readonly kind: "unknown" };

/** Holds a {@link CameraRecord}; nothing lies there while the camera is on. */
export function cameraKey(wearer: string): Deno.KvKey {
  return [...wearerPrefix(wearer), "camera"];
}
