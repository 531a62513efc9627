/**
 * The limit that Foresight is held against on `ws`: the same as `_bare_echo.ts`, over `npm:ws` on
 * `node:http`. Its own program, so that it can be measured alone.
 *
 * @module
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
// @ts-types="@types/ws"
import { type RawData, WebSocketServer } from "ws";

const server = createServer();
new WebSocketServer({ server, perMessageDeflate: false }).on("connection", (socket) => {
  let frame = 0;
  socket.on("message", (data: RawData) => {
    socket.send(`{"frame":${++frame},"bytes":${(data as Uint8Array).byteLength}}`);
  });
});
server.listen(0, "127.0.0.1", () => {
  const line = `http://127.0.0.1:${(server.address() as AddressInfo).port}\n`;
  Deno.stdout.writeSync(new TextEncoder().encode(line));
});
