/**
 * Answers upgrade requests that are not upgraded: `node:http` has let go of their sockets.
 *
 * @module
 */
import { STATUS_CODES } from "node:http";
import type { Socket as NetSocket } from "node:net";
import type { Clock } from "../clock.ts";

/** A client that does not hang up after its answer is hung up on. */
const LINGER_MS = 1000;
/** What this file decides. */
const OWN_HEADERS = new Set(["connection", "content-length", "transfer-encoding"]);

/** Writes the whole answer and ends the connection. */
export async function answerRaw(
  socket: NetSocket,
  response: Response,
  clock: Clock,
): Promise<void> {
  const body = new Uint8Array(await response.arrayBuffer());
  const lines = [...response.headers]
    .filter(([name]) => !OWN_HEADERS.has(name))
    .map(([name, value]) => `${name}: ${value}\r\n`);
  const { status } = response;
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines.join("")}` +
    `content-length: ${body.byteLength}\r\nconnection: close\r\n\r\n`;
  socket.write(head);
  socket.end(body);
  // What the client still sends is thrown away: unread, it would cost the client its answer.
  socket.resume();
  socket.once("close", clock.after(LINGER_MS, () => socket.destroy()));
}
