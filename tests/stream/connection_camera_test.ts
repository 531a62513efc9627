import { assertEquals } from "@std/assert";
import { connect } from "./_connections.ts";

const MESSAGE = "the camera was paused from outside: nothing is looked at";
const PAUSED = { type: "notice", code: "paused", message: MESSAGE };
const UNPAUSED = {
  type: "notice",
  code: "unpaused",
  message: "the pause from outside is over",
};

Deno.test("connection says once that the camera is paused from outside, and once that it is over [S5]", () => {
  const { connection: { camera }, take } = connect(2);
  camera.order({ kind: "open" });
  assertEquals(take()[0], []);
  camera.order({ kind: "paused", untilMs: null });
  camera.order({ kind: "paused", untilMs: 1e15 });
  camera.order({ kind: "unknown" });
  camera.order({ kind: "paused", untilMs: null });
  assertEquals(take()[0], [PAUSED]);
  camera.order({ kind: "open" });
  camera.order({ kind: "open" });
  assertEquals(take()[0], [UNPAUSED]);
  camera.order({ kind: "unknown" });
  camera.order({ kind: "open" });
  assertEquals(take()[0], []);
});

Deno.test("connection says when a pause from outside ends by itself [S5]", () => {
  const { connection, clock, take } = connect(2);
  connection.camera.order({ kind: "paused", untilMs: clock.epochMs() + 1500 });
  assertEquals(take()[0], [{ ...PAUSED, retry_after_ms: 1500 }]);
});

Deno.test("connection waits for no frame while either pause lasts [S5, S6, A14]", () => {
  const { connection: { camera }, clock, say, send, take } = connect(2, { stallMs: 4000 });
  const codes = () => take()[0].filter(({ type }) => type === "notice").map(({ code }) => code);
  camera.order({ kind: "paused", untilMs: null });
  clock.tick(60_000);
  send(1);
  say({ type: "pause" });
  camera.order({ kind: "open" });
  clock.tick(60_000);
  assertEquals(codes(), ["paused", "unpaused"]);
  camera.order({ kind: "paused", untilMs: null });
  say({ type: "unpause" });
  clock.tick(60_000);
  assertEquals(codes(), ["paused"]);
  camera.order({ kind: "open" });
  clock.tick(3999);
  assertEquals(codes(), ["unpaused"]);
  clock.tick(1);
  assertEquals(codes(), ["stalled"]);
});

Deno.test("connection that leaves waits for no frame when the camera goes on [S5, S6]", () => {
  const { connection: { camera }, clock, say, take } = connect(2, { stallMs: 4000 });
  camera.order({ kind: "paused", untilMs: null });
  say({ type: "bye" });
  take();
  camera.order({ kind: "open" });
  clock.tick(60_000);
  assertEquals([take()[0], clock.pendingTimers], [[UNPAUSED], 0]);
});

Deno.test("connection v1 and closed connections are told nothing of pauses [V1, A14]", () => {
  for (const version of [1, 2] as const) {
    const { connection, clock, take } = connect(version);
    if (version === 2) connection.closed(1006, "");
    take();
    connection.camera.order({ kind: "paused", untilMs: null });
    connection.camera.order({ kind: "open" });
    assertEquals([take()[0], clock.pendingTimers], [[], 0]);
  }
});
