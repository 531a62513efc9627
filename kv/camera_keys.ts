/**
 * The part of the data model (`keys.ts`) that says that a wearer's camera is paused from outside.
 *
 * @module
 */
import { type Stored, wearerPrefix } from "./keys.ts";

/** The camera is paused. `expiresAtMs` is when the pause ends; null: when somebody ends it. */
export interface CameraRecord extends Stored {
  readonly sinceMs: number;
}

/**
 * Whether a stream's frames may be looked at, as its wearer has ordered from outside (SPEC A14). The
 * client's own pause is its own (WIRE S6): the one does not undo the other.
 */
export type CameraOrder =
  | { readonly kind: "open" }
  | {
    readonly kind: "paused";
    /** Wall time; null: until it is taken back. */
    readonly untilMs: number | null;
  }
  /** Nobody could be asked yet: it may be paused. */
  | { readonly kind: "unknown" };

/** Holds a {@link CameraRecord}; nothing lies there while the camera is on. */
export function cameraKey(wearer: string): Deno.KvKey {
  return [...wearerPrefix(wearer), "camera"];
}
