/**
 * The socket port over `Deno.upgradeWebSocket`.
 *
 * What it cannot do: stop reading (`pause`), and bound the size of a fragmented message before it
 * is complete. It sends a ping after half the idle time, and gives a silent peer up after the whole.
 *
 * @module
 */
import { CLOSE_CODE, type Socket, type SocketListener, type Upgrade } from "./socket.ts";

/** A peer that answers no ping for so long is gone: half-open connections end here. */
const IDLE_TIMEOUT_S = 30;

/**
 * Upgrades natively.
 *
 * @param failed hears what a listener threw; the connection then closes with 1011, and only it
 */
export function createNativeUpgrade(failed: (error: unknown) => void): Upgrade {
  return (request, accept) => {
    const { socket: web, response } = Deno.upgradeWebSocket(request, {
      idleTimeout: IDLE_TIMEOUT_S,
    });
    web.binaryType = "arraybuffer";
    listen(web, accept, failed);
    return response;
  };
}

function listen(
  web: WebSocket,
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
      if (web.readyState <= WebSocket.OPEN) web.close(CLOSE_CODE.internalError, "internal error");
    }
  };
  web.onopen = () => safely(() => listener = accept(portOf(web)));
  web.onmessage = ({ data }) =>
    safely(() => listener?.message(typeof data === "string" ? data : new Uint8Array(data)));
  // `error` comes before `close`, which says the rest; `close` may come twice.
  web.onerror = () => {};
  web.onclose = ({ code, reason }) => {
    const last = listener;
    listener = null;
    safely(() => last?.closed(code, reason));
  };
}

function portOf(web: WebSocket): Socket {
  return {
    send(text) {
      if (web.readyState === WebSocket.OPEN) web.send(text);
    },
    close(code, reason) {
      if (web.readyState <= WebSocket.OPEN) web.close(code, reason);
    },
    get queuedBytes() {
      return web.bufferedAmount;
    },
  };
}
