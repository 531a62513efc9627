import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Clock } from "../../clock.ts";
import { systemClock } from "../../clock.ts";
import { checkDeployment, type DeploymentOutcome } from "../../dev/check_deployment.ts";
import { createFakeClock, type FakeClock } from "../_fake_clock.ts";
import { MAGIC_WORD } from "../_foresight.ts";
import { frame, withModal } from "../routes/_vision.ts";

const HEALTHY = () => Response.json({ status: "ok", streams: 0 });

interface Options {
  readonly magicWord?: string;
  readonly deadlineMs?: number;
  readonly fps?: number;
  readonly clock?: Clock;
}

/** Looks at a deployment; answers what was found, and all that was said. */
async function check(url: string, options: Options = {}) {
  const notes: string[] = [];
  const outcome = await checkDeployment({
    url,
    magicWord: MAGIC_WORD,
    frameAt: (timeS) => Promise.resolve(frame(1 + Math.floor(timeS))),
    fps: 20,
    deadlineMs: 10_000,
    clock: systemClock,
    onNote: (line) => void notes.push(line),
    ...options,
  });
  return { outcome, notes, reason: reasonOf(outcome) };
}

function reasonOf(outcome: DeploymentOutcome): string {
  return outcome.kind === "fails" ? outcome.reason : "";
}

/** Runs `use` against a server that is no Foresight: it says what it likes. */
async function withServer(
  health: () => Response,
  onFrame: (socket: WebSocket, count: number, bytes: number) => void,
  use: (url: string) => Promise<void>,
): Promise<void> {
  const sockets = new Set<WebSocket>();
  const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
  const server = Deno.serve(options, (request) => {
    if (new URL(request.url).pathname === "/health") return health();
    const { socket, response } = Deno.upgradeWebSocket(request);
    let count = 0;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => sockets.add(socket);
    socket.onclose = () => sockets.delete(socket);
    socket.onmessage = ({ data }) => onFrame(socket, ++count, data.byteLength);
    return response;
  });
  try {
    await use(`http://127.0.0.1:${server.addr.port}`);
  } finally {
    sockets.forEach((socket) => socket.close());
    await server.shutdown();
  }
}

function sendJson(socket: WebSocket, message: unknown): void {
  socket.send(JSON.stringify(message));
}

/** Moves time on, a hundred times as fast as it goes, so that a busy machine's network keeps up. */
async function inFastTime<T>(clock: FakeClock, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settled = () => void (isSettled = true);
  promise.then(settled, settled);
  while (!isSettled) {
    await clock.tickAsync(200);
    await new Promise<void>((resolve) => void systemClock.after(2, resolve));
  }
  return promise;
}

Deno.test("checkDeployment hears a caption, with the frames acknowledged in order [V1, V5]", () =>
  withModal({ VISION_CHUNK_SECONDS: "0.1" }, async ({ url, streams }) => {
    const { outcome, notes } = await check(url);
    assert(outcome.kind === "works", reasonOf(outcome));
    assert(/^saw 1/.test(outcome.caption), outcome.caption);
    assert(outcome.ackedFrames >= 3 && outcome.captionAfterMs > 0, JSON.stringify(outcome));
    assertEquals([outcome.errors, notes], [0, ["health is ok"]]);
    await streams.drain();
  }));

Deno.test("checkDeployment waits through the errors of a model that starts [V5]", () =>
  withModal({}, async ({ url }, modal) => {
    const failure = { kind: "error", exception: "ValueError('still loading')" } as const;
    modal.faults.calls(failure);
    const { outcome, notes } = await check(url);
    assert(outcome.kind === "works", reasonOf(outcome));
    assertEquals(outcome.errors, 1);
    const expected = "the model is not ready yet: ValueError('still loading')";
    assertEquals(notes, ["health is ok", expected]);
  }));

Deno.test("checkDeployment says that the magic word is wrong, and not what it is [A3, A4]", () =>
  withModal({}, async ({ url }) => {
    const { reason, notes } = await check(url, { magicWord: "hush-hush" });
    assertEquals(
      reason,
      "the magic word must open a stream: Cannot connect: the server answered 403 forbidden",
    );
    assert(!notes.join().includes("hush-hush"));
  }));

Deno.test("checkDeployment says that no caption came before the deadline [V8]", () =>
  withModal({ MODAL_TOKEN_ID: "", MODAL_TOKEN_SECRET: "" }, async ({ url }) => {
    const { reason } = await check(url, { deadlineMs: 500 });
    assertStringIncludes(reason, "a caption must come within 0.5 s: ");
    assertStringIncludes(reason, " frames sent, ");
    assertStringIncludes(reason, " acknowledged, 0 errors of the model");
  }));

Deno.test("checkDeployment ends with the model's last error at the deadline [V5]", () => {
  const health = HEALTHY;
  const answer = (socket: WebSocket, frame: number, bytes: number) =>
    sendJson(socket, { frame, bytes, inference_error: "No answer within 60000 ms" });
  return withServer(health, answer, async (url) => {
    const { reason, notes } = await check(url, { deadlineMs: 400 });
    assertStringIncludes(reason, 'errors of the model, the last one "No answer within 60000 ms"');
    assertEquals(notes.length, 2, "the same error is told once");
  });
});

Deno.test("checkDeployment says what /health answered, if not that it is well [H1]", async () => {
  const answers: [() => Response, string][] = [
    [() => Response.json({ status: "draining" }), 'it answered 200 {"status":"draining"}'],
    [() => new Response("no such app", { status: 404 }), "it answered 404 no such app"],
    [() => new Response(MAGIC_WORD, { status: 200 }), "it answered 200 [redacted]"],
  ];
  for (const [health, expected] of answers) {
    await withServer(health, () => {}, async (url) => {
      const { reason } = await check(url, { deadlineMs: 1900 });
      assertEquals(reason, `GET /health must answer 200 {"status":"ok"}: ${expected}`);
    });
  }
});

Deno.test("checkDeployment gives a new revision time to become healthy [H1]", async () => {
  let asked = 0;
  const health = () => ++asked < 3 ? new Response("starting", { status: 503 }) : HEALTHY();
  const answer = (socket: WebSocket, frame: number, bytes: number) =>
    sendJson(socket, { frame, bytes, caption: "a ball" });
  const clock = createFakeClock();
  await withServer(health, answer, async (url) => {
    const { outcome, notes } = await inFastTime(clock, check(url, { clock, deadlineMs: 300_000 }));
    assertEquals([outcome.kind, asked], ["works", 3], reasonOf(outcome));
    const starting = "health is not ok yet: it answered 503 starting";
    assertEquals(notes, [starting, starting, "health is ok"]);
  });
  assertEquals(clock.pendingTimers, 0);
});

const WRONG_ACKS: Record<string, [acks: (frame: number, bytes: number) => unknown[], why: string]> =
  {
    "skipped": [
      (frame, bytes) => [{ frame: frame === 1 ? 1 : frame + 1, bytes }],
      "acks must come in order: after that of frame 1, of 2 sent, came that of frame 3",
    ],
    "left out": [
      (frame, bytes) => frame === 2 ? [] : [{ frame, bytes }],
      "acks must come in order: after that of frame 1, of 3 sent, came that of frame 3",
    ],
    "repeated": [
      (frame, bytes) => [{ frame, bytes }, { frame, bytes }],
      "acks must come in order: after that of frame 1, of 1 sent, came that of frame 1",
    ],
    "for a frame that was never sent": [
      (_, bytes) => [{ frame: 1, bytes }, { frame: 2, bytes, caption: "too soon" }],
      "acks must come in order: after that of frame 1, of 1 sent, came that of frame 2",
    ],
    "of another length": [
      (frame) => [{ frame, bytes: 7, caption: "a ball" }],
      "the ack of frame 1 must say its 50 bytes: it says 7",
    ],
  };

for (const [name, [acks, why]] of Object.entries(WRONG_ACKS)) {
  Deno.test(`checkDeployment refuses acks that are ${name} [V1]`, () => {
    const answer = (socket: WebSocket, frame: number, bytes: number) =>
      acks(frame, bytes).forEach((ack) => sendJson(socket, ack));
    return withServer(HEALTHY, answer, async (url) => {
      assertEquals((await check(url)).reason, why);
    });
  });
}

Deno.test("checkDeployment takes a result that comes alone for what it is [V6]", () => {
  const answer = (socket: WebSocket, frame: number, bytes: number) => {
    sendJson(socket, { frame, bytes });
    if (frame === 2) sendJson(socket, { frame, bytes, caption: "a ball" });
  };
  return withServer(HEALTHY, answer, async (url) => {
    const { outcome } = await check(url);
    assertEquals(outcome.kind === "works" && outcome.caption, "a ball", reasonOf(outcome));
  });
});

Deno.test("checkDeployment does not wait for a server that acknowledges nothing [V2]", async () => {
  const clock = createFakeClock();
  await withServer(HEALTHY, () => {}, async (url) => {
    const checked = check(url, { clock, fps: 1, deadlineMs: 300_000 });
    const { reason } = await inFastTime(clock, checked);
    assertStringIncludes(reason, "each frame must be acknowledged at once: ");
    assertStringIncludes(reason, " frames sent, 0 acknowledged");
  });
});

Deno.test("checkDeployment says why the server ended the stream [V9]", () =>
  withModal({ VISION_MAX_FRAME_BYTES: "10" }, async ({ url }) => {
    const { reason } = await check(url);
    assertEquals(
      reason,
      "the stream must stay open: the server ended it: " +
        "1009 a frame must be at most 10 bytes: it was 50",
    );
  }));

Deno.test("checkDeployment connects again when the process that it reached goes away [V9]", () => {
  let streams = 0;
  const answer = (socket: WebSocket, frame: number, bytes: number) => {
    if (frame === 1 && ++streams === 1) return socket.close(1012, "going away");
    sendJson(socket, { frame, bytes, caption: "a ball" });
  };
  const clock = createFakeClock();
  return withServer(HEALTHY, answer, async (url) => {
    const checked = check(url, { clock, fps: 1, deadlineMs: 300_000 });
    const { outcome, notes } = await inFastTime(clock, checked);
    assertEquals([outcome.kind, streams, notes.length], ["works", 2, 2], reasonOf(outcome));
    assertStringIncludes(notes[1]!, "connecting again");
  });
});

Deno.test("checkDeployment waits for a stream to open no longer than the deadline", async () => {
  const held = Promise.withResolvers<Response>();
  const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
  const server = Deno.serve(
    options,
    ({ url }) => url.endsWith("/health") ? HEALTHY() : held.promise,
  );
  const { reason } = await check(`http://127.0.0.1:${server.addr.port}`, { deadlineMs: 200 });
  assertEquals(
    reason,
    "the magic word must open a stream: there was no answer before the deadline",
  );
  held.resolve(new Response(null, { status: 503 }));
  await server.shutdown();
});
