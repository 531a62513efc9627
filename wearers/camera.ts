/**
 * The camera of a wearer, paused from outside: for all its streams, on every process, also those
 * that begin later (SPEC A14).
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { openCameraBook } from "../kv/camera_record.ts";
import type { StandingOrders } from "./orders.ts";

/** Whether frames are looked at. */
export type CameraState =
  | { readonly kind: "on" }
  | {
    readonly kind: "paused";
    readonly sinceMs: number;
    /** When it goes on by itself; null: when somebody unpauses it. */
    readonly untilMs: number | null;
  };

/** All cameras. Every method rejects with KV's own error, or when KV does not answer. */
export interface Cameras {
  /**
   * Pauses the wearer's camera, or gives the pause that there is another end. When this resolves,
   * nothing leaves this process any more; others follow within about a second.
   *
   * @param untilMs wall time; null: until {@link unpause}
   */
  pause(wearer: string, untilMs: number | null): Promise<CameraState>;
  /** Lets frames be looked at again, unless a client has paused its own. */
  unpause(wearer: string): Promise<CameraState>;
  state(wearer: string): Promise<CameraState>;
}

/** What {@link Cameras} need. */
export interface CamerasOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
  readonly orders: Pick<StandingOrders, "changed">;
}

/** Opens the cameras of all wearers; they need not be closed. */
export function createCameras(options: CamerasOptions): Cameras {
  const book = (wearer: string) => openCameraBook(options, wearer);
  /** Also after an error: it may have been written all the same. */
  const obeyed = <T>(wearer: string, written: Promise<T>) =>
    written.finally(() => options.orders.changed(wearer));
  const state = async (wearer: string): Promise<CameraState> => {
    const record = await book(wearer).get();
    if (!record) return { kind: "on" };
    return { kind: "paused", sinceMs: record.sinceMs, untilMs: record.expiresAtMs };
  };
  return {
    async pause(wearer, untilMs) {
      const { sinceMs } = await obeyed(wearer, book(wearer).pause(untilMs));
      return { kind: "paused", sinceMs, untilMs };
    },
    async unpause(wearer) {
      await obeyed(wearer, book(wearer).unpause());
      return { kind: "on" };
    },
    state,
  };
}
