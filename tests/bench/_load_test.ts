import { assertEquals, assertRejects } from "@std/assert";
import { connectLoad, type LoadReport, type LoadSize } from "../../bench/_load.ts";

const SIZE: LoadSize = { connections: 3, frames: 50, bytes: 70_000, window: 4 };
const STALL_MS = 200;

/** Answers a frame; `send` takes an ack, given as its frame number and size. */
type Answer = (frame: number, bytes: number, send: Send, socket: WebSocket) => void;
type Send = (frame: number, bytes: number, fields?: Record<string, unknown>) => void;

/** Runs the load against a server that answers like this, and leaves nothing behind. */
async function loadOn(answer: Answer, size: LoadSize = SIZE): Promise<LoadReport> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.binaryType = "arraybuffer";
    let frame = 0;
    const send: Send = (frame, bytes, fields) => {
      if (socket.readyState === WebSocket.OPEN) {
        socket.send(JSON.stringify({ frame, bytes, ...fields }));
      }
    };
    socket.onerror = () => {};
    socket.onmessage = ({ data }) => answer(++frame, data.byteLength, send, socket);
    return response;
  });
  try {
    const target = { url: `http://127.0.0.1:${server.addr.port}/`, headers: {} };
    const load = await connectLoad(target, size, STALL_MS);
    try {
      return await load.run();
    } finally {
      await load.close();
    }
  } finally {
    await server.shutdown();
  }
}

Deno.test("load counts every frame, and the captions that come with acks or alone [V1, V5, V6]", async () => {
  const report = await loadOn((frame, bytes, send) => {
    send(frame, bytes, frame === 2 ? { caption: "a dog".repeat(40) } : {});
    if (frame === 5) send(frame, bytes, { inference_error: "no model" });
    if (frame === 7) send(frame, bytes, { caption: "a cat" });
  });
  assertEquals([report.frames, report.captions, report.failures], [50, 6, 3]);
  const { p50, p95, p99 } = report.ackMs;
  assertEquals(0 < p50 && p50 <= p95 && p95 <= p99 && report.seconds > 0, true);
});

Deno.test("load sends frames of every length as the protocol wants them", async () => {
  for (const bytes of [0, 1, 125, 126, 65_535, 65_536]) {
    const size = { connections: 1, frames: 3, bytes, window: 2 };
    assertEquals((await loadOn((frame, bytes, send) => send(frame, bytes), size)).frames, 3);
  }
});

const WRONG: readonly [fault: string, answer: Answer, told: string][] = [
  [
    "skips an ack",
    (frame, bytes, send) => frame !== 5 && send(frame, bytes),
    "it must be for frame 5 of 70000 bytes",
  ],
  ["reorders acks", (frame, bytes, send) => send(swapped(frame), bytes), "it must be for frame 5"],
  [
    "repeats an ack",
    (frame, bytes, send) => {
      send(frame, bytes);
      if (frame === 5) send(frame, bytes);
    },
    "it must be for frame 6",
  ],
  [
    "repeats an old caption",
    (frame, bytes, send) => {
      send(frame, bytes);
      if (frame === 5) send(3, bytes, { caption: "a dog" });
    },
    "it must be for frame 6",
  ],
  [
    "miscounts bytes",
    (frame, bytes, send) => send(frame, frame === 5 ? bytes - 1 : bytes),
    "it must be for frame 5 of 70000 bytes",
  ],
  ["counts from 0", (frame, bytes, send) => send(frame - 1, bytes), "it must be for frame 1"],
  [
    "does not speak JSON",
    (_frame, _bytes, _send, socket) => socket.send("ok"),
    "it must be a JSON object",
  ],
  [
    "falls silent",
    (frame, bytes, send) => frame < 5 && send(frame, bytes),
    "No ack came for 200 ms",
  ],
];

/** 5 and 6 change places. */
function swapped(frame: number): number {
  return frame === 5 ? 6 : frame === 6 ? 5 : frame;
}

for (const [fault, answer, told] of WRONG) {
  Deno.test(`load rejects a server that ${fault}`, async () => {
    await assertRejects(() => loadOn(answer), Error, told);
  });
}

Deno.test("load says why a server ended the stream", async () => {
  // With more on its way the close would come as a reset, which says nothing.
  const size = { ...SIZE, connections: 1, window: 1 };
  const answer: Answer = (frame, bytes, send, socket) =>
    frame < 5 ? send(frame, bytes) : socket.close(1008, "too many");
  await assertRejects(() => loadOn(answer, size), Error, "ended the stream: too many");
});

Deno.test("connectLoad says how a server refused", async () => {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response("forbidden", { status: 403 }),
  );
  const target = { url: `http://127.0.0.1:${server.addr.port}/`, headers: {} };
  await assertRejects(() => connectLoad(target, SIZE), Error, "answered HTTP/1.1 403 Forbidden");
  await server.shutdown();
});
