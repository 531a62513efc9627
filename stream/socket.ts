/**
 * The socket port: all that a connection knows of WebSockets. Transports: `native_socket.ts`.
 *
 * @module
 */

/** Close codes that we send, and that of a connection lost (RFC 6455, section 7.4.1). */
export const CLOSE_CODE = {
  normal: 1000,
  unsupportedData: 1003,
  lost: 1006,
  policyViolation: 1008,
  messageTooBig: 1009,
  internalError: 1011,
  serviceRestart: 1012,
} as const;

/** One open WebSocket, seen from the server. Its methods never throw and never wait. */
export interface Socket {
  /** Queues a text message; without effect once the socket is closing. */
  send(text: string): void;
  /** Begins to close. `reason` is at most 123 bytes of UTF-8. */
  close(code: number, reason: string): void;
  /** Bytes queued here that the network has not taken yet. */
  readonly queuedBytes: number;
}

/** Who hears of an open socket. Called one at a time, in order; `closed` exactly once, last. */
export interface SocketListener {
  message(data: string | Uint8Array<ArrayBuffer>): void;
  closed(code: number, reason: string): void;
}

/**
 * Turns an HTTP request into a socket; the answer must be returned as it is. `accept` is called when
 * the socket is open, and never if the client goes away before. `protocol` is the subprotocol that
 * is chosen of those that the client offers.
 *
 * @throws {TypeError} if the request is no WebSocket handshake
 */
export type Upgrade = (
  request: Request,
  accept: (socket: Socket) => SocketListener,
  protocol?: string,
) => Response;
