/**
 * What the client takes from where it runs: browsers and Deno have all of it, tests bring their own.
 *
 * @module
 */

/** Where time comes from. */
export interface Clock {
  /** Wall time in milliseconds since 1970. */
  epochMs(): number;
  /** Milliseconds that never run backwards. */
  monotonicMs(): number;
  /** Calls `run` once, `delayMs` from now, unless the answer is called first. */
  after(delayMs: number, run: () => void): () => void;
}

/** An event of a socket; which fields are there depends on its type. */
export interface SocketEvent {
  readonly type: string;
  readonly data?: unknown;
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
}

/** As much of a WebSocket as the client uses. */
export interface ClientSocket {
  binaryType: string;
  readonly bufferedAmount: number;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(): void;
  /** `npm:ws` has it: it ends a connection that does not answer. */
  terminate?(): void;
  addEventListener(
    type: "open" | "message" | "close" | "error",
    hear: (event: SocketEvent) => void,
  ): void;
}

/** The constructor of a WebSocket, as browsers, Deno and `npm:ws` have it. */
export type WebSocketClass = new (url: string, protocols: string[]) => ClientSocket;

/** What the client is made of. */
export interface Platform {
  readonly WebSocket: WebSocketClass;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  /** From 0 to below 1: spreads those who come back. */
  readonly random: () => number;
}

/** This platform, with what `given` has in place of its own. */
export function platformWith(given: Partial<Platform> = {}): Platform {
  return {
    WebSocket: given.WebSocket ?? globalThis.WebSocket as unknown as WebSocketClass,
    // Browsers refuse to be called as a method of anything else.
    fetch: given.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    clock: given.clock ?? SYSTEM_CLOCK,
    random: given.random ?? Math.random,
  };
}

const SYSTEM_CLOCK: Clock = {
  epochMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Waits; also ends when `signal` aborts. */
export function pause(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const wake = () => {
      cancel();
      signal?.removeEventListener("abort", wake);
      resolve();
    };
    const cancel = clock.after(delayMs, wake);
    signal?.addEventListener("abort", wake);
  });
}
