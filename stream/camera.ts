/**
 * Whether a stream's frames may be looked at, as its wearer has ordered from outside (SPEC A14). The
 * client's own pause is its own (WIRE S6): the one does not undo the other.
 *
 * @module
 */
import type { Orders } from "../kv/order_keys.ts";

/** How the camera stands. */
export type CameraOrder =
  | { readonly kind: "open" }
  | {
    readonly kind: "paused";
    /** Wall time; null: until it is taken back. */
    readonly untilMs: number | null;
  }
  /** Nobody could be asked yet: it may be paused. */
  | { readonly kind: "unknown" };

/** What a wearer's orders say of the camera. */
export function cameraOrderOf(orders: Orders): CameraOrder {
  if (orders.kind === "unknown") return orders;
  const pause = orders.orders.find(({ kind }) => kind === "camera_paused");
  return pause ? { kind: "paused", untilMs: pause.untilMs } : { kind: "open" };
}
