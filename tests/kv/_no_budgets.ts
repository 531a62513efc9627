import { type Budgets, type StreamLease, UNLIMITED } from "../../kv/budgets.ts";

/** A place that nobody counts. */
export const FREE_LEASE: StreamLease = { keep() {}, release: () => Promise.resolve() };

/** Budgets for tests of something else: everything is granted. */
export const NO_BUDGETS: Budgets = {
  account: () => UNLIMITED,
  takeStream: () => Promise.resolve({ kind: "granted", lease: FREE_LEASE }),
  close: () => Promise.resolve(),
};
