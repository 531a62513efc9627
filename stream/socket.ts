/**
 * The socket port: all that a connection knows of WebSockets. Transports: `ws_socket.ts` and
 * `native_socket.ts`; one contract suite runs against both.
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
  /** Ends the connection at once, without a handshake; where that cannot be, closes it. */
  terminate(): void;
  /** Stops reading from the client, who then cannot send either; false where that cannot be. */
  pause(): boolean;
  /** Reads on. */
  resume(): void;
  /** Bytes queued here that the network has not taken yet. */
  readonly queuedBytes: number;
  /** The subprotocol that was chosen; empty: none. */
  readonly protocol: string;
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
 * @param protocol the subprotocol to answer, which must be one that the client offers; empty: none
 * @throws {TypeError} if the request is no WebSocket handshake
 */
export type Upgrade = (
  request: Request,
  accept: (socket: Socket) => SocketListener,
  protocol?: string,
) => Response;
