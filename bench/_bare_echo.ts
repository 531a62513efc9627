/**
 * The limit that Foresight is held against: a WebSocket server that acknowledges each frame with the
 * same JSON and does nothing else. Its own program, so that it can be measured alone.
 *
 * @module
 */

const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.binaryType = "arraybuffer";
  let frame = 0;
  socket.onmessage = ({ data }) => {
    socket.send(`{"frame":${++frame},"bytes":${data.byteLength}}`);
  };
  return response;
});
const line = `http://127.0.0.1:${server.addr.port}\n`;
Deno.stdout.writeSync(new TextEncoder().encode(line));
