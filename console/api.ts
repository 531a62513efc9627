/**
 * Requests to the server that the page came from, and what came of them.
 *
 * @module
 */
import { type Api, createApi } from "../client/api.ts";
import { Refused } from "../client/refused.ts";
import type { Entry } from "./entry.ts";

/** What came of a request. `status` 0: the server was not reached. */
export type Answered<T> =
  | { readonly kind: "ok"; readonly value: T }
  | { readonly kind: "failed"; readonly status: number; readonly reason: string };

/** Requests on behalf of who brings `entry`. */
export function apiFor(entry: Entry): Api {
  return createApi({ url: location.origin, access: entry });
}

/** Waits for a request. */
export async function outcomeOf<T>(request: Promise<T>): Promise<Answered<T>> {
  try {
    return { kind: "ok", value: await request };
  } catch (error) {
    if (!(error instanceof Refused)) {
      return { kind: "failed", status: 0, reason: "The server was not reached." };
    }
    return { kind: "failed", status: error.status, reason: error.detail };
  }
}
