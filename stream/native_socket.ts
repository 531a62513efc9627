/**
 * The socket port over `Deno.upgradeWebSocket`.
 *
 * What it cannot do: stop reading (`pause`), bound the size of a fragmented message before it is
 * complete, and end a connection whose client ignores the close. It sends a ping after half the idle time, and gives a silent peer up after the whole.
 *
 * @module
 */
import { type Cancel, type Clock, systemClock } from "../clock.ts";
import { CLOSE_CODE, type Socket, type SocketListener, type Upgrade } from "./socket.ts";

/** A peer that answers no ping for so long is gone: half-open connections end here. */
const IDLE_TIMEOUT_S = 30;
/** A peer that sends nothing for so long will hear why it is sent away. */
const QUIET_MS = 5;
/** A peer that never pauses may not hear it. */
const MAX_CLOSE_DELAY_MS = 500;

/**
 * Upgrades natively.
 *
 * @param failed hears what a listener threw; the connection then closes with 1011, and only it
 */
export function createNativeUpgrade(
  failed: (error: unknown) => void,
  clock: Clock = systemClock,
): Upgrade {
  return (request, accept, protocol = "") => {
    const { socket: web, response } = Deno.upgradeWebSocket(request, {
      idleTimeout: IDLE_TIMEOUT_S,
      ...protocol && { protocol },
    });
    web.binaryType = "arraybuffer";
    listen(web, new NativeSocket(web, clock, protocol), accept, failed);
    return response;
  };
}

function listen(
  web: WebSocket,
  port: NativeSocket,
  accept: (socket: Socket) => SocketListener,
  failed: (error: unknown) => void,
): void {
  let listener: SocketListener | null = null;
  /** An error thrown from an event handler would end the process; here it ends the connection. */
  const safely = (handle: () => void) => {
    try {
      handle();
    } catch (error) {
      failed(error);
      port.close(CLOSE_CODE.internalError, "internal error");
    }
  };
  web.onopen = () => safely(() => listener = accept(port));
  web.onmessage = ({ data }) => {
    if (port.swallows()) return;
    safely(() => listener?.message(typeof data === "string" ? data : new Uint8Array(data)));
  };
  // `error` comes before `close`, which says the rest; `close` may come twice.
  web.onerror = () => {};
  web.onclose = ({ code, reason }) => {
    const last = listener;
    listener = null;
    port.ended();
    // Deno says 0 of a connection that was lost.
    safely(() => last?.closed(code || CLOSE_CODE.lost, reason));
  };
}

class NativeSocket implements Socket {
  readonly #web: WebSocket;
  readonly #clock: Clock;
  #closing: { readonly byMs: number; readonly finish: () => void; cancel: Cancel } | null = null;

  /** @param protocol Deno's own socket does not say it on the server's side */
  constructor(web: WebSocket, clock: Clock, readonly protocol: string) {
    this.#web = web;
    this.#clock = clock;
  }

  get queuedBytes(): number {
    return this.#web.bufferedAmount;
  }

  pause(): boolean {
    return false;
  }

  resume(): void {}

  /** All that there is: the close frame now, without waiting for a quiet moment. */
  terminate(): void {
    this.#closing?.cancel();
    this.#closing ??= { byMs: 0, finish: () => {}, cancel: () => {} };
    if (this.#web.readyState <= WebSocket.OPEN) this.#web.close();
  }

  send(text: string): void {
    if (!this.#closing && this.#web.readyState === WebSocket.OPEN) this.#web.send(text);
  }

  /**
   * Closes when nothing has come for a moment. Where another message lies in Deno's buffer when
   * `close` is called, Deno 2.9.6 drops the connection, and the close frame with it.
   */
  close(code: number, reason: string): void {
    if (this.#closing || this.#web.readyState > WebSocket.OPEN) return;
    const finish = () => {
      if (this.#web.readyState <= WebSocket.OPEN) this.#web.close(code, reason);
    };
    const byMs = this.#clock.monotonicMs() + MAX_CLOSE_DELAY_MS;
    this.#closing = { byMs, finish, cancel: this.#clock.after(QUIET_MS, finish) };
  }

  /** Whether a message is for nobody, as the socket is closing; puts the end off then. */
  swallows(): boolean {
    const closing = this.#closing;
    if (!closing) return false;
    if (this.#clock.monotonicMs() < closing.byMs) {
      closing.cancel();
      closing.cancel = this.#clock.after(QUIET_MS, closing.finish);
    }
    return true;
  }

  /** The connection has ended, by whomever. */
  ended(): void {
    this.#closing?.cancel();
  }
}
