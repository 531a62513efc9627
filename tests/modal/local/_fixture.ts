/**
 * A stand-in with one small class, and a client of it, for the length of one test.
 *
 * @module
 */
import type { LocalClass, LocalMethod } from "../../../modal/local/classes.ts";
import {
  type LocalModal,
  type LocalModalOptions,
  startLocalModal,
} from "../../../modal/local/server.ts";
import { RawClient } from "./_raw_client.ts";

/** Class `Counter` of app `app`. */
export function counter(
  methods: Record<string, LocalMethod> = {},
  options: Partial<LocalClass> = {},
): LocalClass {
  const add: LocalMethod = {
    parameters: ["a", { name: "b", default: 1 }],
    call: ({ a, b }) => Number(a) + Number(b),
  };
  return { app: "app", name: "Counter", methods: { add, ...methods }, ...options };
}

/** Runs `test` against a stand-in that serves {@link counter} unless told otherwise. */
export async function withModal(
  options: Partial<LocalModalOptions>,
  test: (modal: LocalModal, client: RawClient) => Promise<void>,
): Promise<void> {
  const modal = await startLocalModal({ classes: [counter()], ...options });
  try {
    using client = new RawClient(modal.url);
    await test(modal, client);
  } finally {
    await modal.close();
  }
}

/** A method whose runs wait for the test to let them go on. */
export interface HeldMethod extends LocalMethod {
  /** Arguments `n` of the runs begun so far, in order. */
  readonly begun: readonly number[];
  /** Arguments `n` of the runs whose signal was aborted. */
  readonly aborted: readonly number[];
  /** Lets run `n` end with value `n`. */
  release(n: number): void;
}

/** A method with one parameter, `n`, that names the run. */
export function heldMethod(): HeldMethod {
  const begun: number[] = [];
  const aborted: number[] = [];
  const ends = new Map<number, (n: number) => void>();
  return {
    begun,
    aborted,
    release: (n) => ends.get(n)?.(n),
    parameters: ["n"],
    call(args, signal) {
      const n = Number(args.n);
      begun.push(n);
      signal.addEventListener("abort", () => aborted.push(n));
      return new Promise<number>((resolve) => ends.set(n, resolve));
    },
  };
}

const POLL_MS = 1;
const GIVE_UP_MS = 5000;

/** Resolves once `condition` holds: for what the server does on its own time. */
export async function until(condition: () => boolean): Promise<void> {
  const startMs = performance.now();
  while (!condition()) {
    if (performance.now() - startMs > GIVE_UP_MS) throw new Error(`never came true: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
