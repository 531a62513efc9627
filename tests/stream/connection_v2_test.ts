import { assertEquals } from "@std/assert";
import { DROPPED, SKIPPED } from "../../stream/frame.ts";
import { frameChunk } from "./_chunks.ts";
import { connect as connectAs, type Limits } from "./_connections.ts";

const connect = (limits: Limits = {}, catchesUp = false) => connectAs(2, limits, catchesUp);
const cursors = (sent: Record<string, unknown>[]) =>
  sent.flatMap(({ type, cursor }) => type === "result" ? [cursor] : []);
const AWAY = "the server is going away: connect again";
const DRAINING = { type: "notice", code: "draining", message: AWAY };
const FAILED = { kind: "failed", scope: "service", reason: "model gone" } as const;
const HAS_IT = "another connection has the session now";

/** Lets what waits for promises run. */
const turn = async () => {
  for (let at = 0; at < 10; at++) await Promise.resolve();
};

Deno.test("connection says what becomes of each frame, counting on from earlier ones [S2, S4]", () => {
  const bench = connect({ earlierFrames: 7 });
  const { send, socket } = bench;
  send(5);
  bench.fate = SKIPPED;
  send(6);
  bench.fate = DROPPED.paused;
  send(7);
  bench.fate = DROPPED.budget;
  send(8);
  send(0);
  assertEquals(socket.sent, [
    { type: "ack", frame: 8, bytes: 5, status: "queued" },
    { type: "ack", frame: 9, bytes: 6, status: "skipped" },
    { type: "ack", frame: 10, bytes: 7, status: "dropped", reason: "paused" },
    { type: "ack", frame: 11, bytes: 8, status: "dropped", reason: "budget" },
    { type: "ack", frame: 12, bytes: 0, status: "dropped", reason: "busy" },
  ]);
});

Deno.test("connection says that frames come nearly too fast, once until they are slower [S5]", () => {
  const { clock, send, socket } = connect({ maxFps: 10 });
  const warnedAfter = (count: number) => {
    for (let at = 0; at < count; at++) send(5);
    return socket.sent.filter(({ type }) => type === "notice");
  };
  const message = "frames come nearly too fast: at most 10 per second are taken";
  const notice = { type: "notice", code: "slow_down", message, suggest_fps: 7 };
  assertEquals(warnedAfter(15), []);
  assertEquals(warnedAfter(1), [notice]);
  assertEquals(warnedAfter(2), [notice]);
  clock.tick(1000);
  assertEquals(warnedAfter(1), [notice]);
  assertEquals(warnedAfter(8), [notice, notice]);
});

Deno.test("connection says how old a frame is, of the one frame that was announced [S2]", () => {
  const { clock, send, say, socket, arrived } = connect();
  clock.tick(1000);
  const capturedAtMs = clock.epochMs() - 250;
  say({ type: "frame", captured_at_ms: capturedAtMs });
  send(5);
  send(5);
  say({ type: "frame", captured_at_ms: 5 });
  say({ type: "frame", captured_at_ms: clock.epochMs() + 5000 });
  send(5);
  assertEquals(socket.sent.map(({ age_ms }) => age_ms), [250, undefined, 0]);
  assertEquals(arrived.map((frame) => frame.capturedAtMs), [
    capturedAtMs,
    null,
    clock.epochMs() + 5000,
  ]);
});

Deno.test("connection hands a client's wishes on and answers questions [S6]", async () => {
  const { say, take, answers } = connect();
  say({ type: "prompt", prompt: "Read." });
  say({ type: "pause" });
  say({ type: "unpause" });
  say({ type: "ask", id: "q1", question: "What?" });
  say({ type: "ask", id: "q2", question: "Who?" });
  assertEquals(take()[1], ["look for Read.", "pause", "unpause", "ask What?", "ask Who?"]);
  answers[1]!({ kind: "failed", reason: "no frame has come yet" });
  answers[0]!({ kind: "answered", text: "A dog.", latencyMs: 12.34 });
  await turn();
  assertEquals(take()[0], [
    { type: "error", code: "not_answered", message: "no frame has come yet", id: "q2" },
    { type: "answer", id: "q1", text: "A dog.", latency_ms: 12.3 },
  ]);
});

Deno.test("connection catching up says stored results first, frames are taken meanwhile [S3, S4]", () => {
  const { connection, send, say, take } = connect({}, true);
  connection.remind(frameChunk(0));
  connection.recorded(frameChunk(2));
  send(1);
  say({ type: "pause" });
  connection.told(FAILED);
  connection.remind(frameChunk(1));
  connection.recorded(frameChunk(3));
  const [before, events] = take();
  assertEquals(before.map(({ type }) => type), ["result", "ack", "notice", "result"]);
  assertEquals(cursors(before), [1, 2]);
  assertEquals(events, ["admit 1", "proceed after 2", "pause"]);
  connection.caughtUp();
  connection.recorded(frameChunk(4));
  connection.caughtUp();
  connection.remind(frameChunk(0));
  assertEquals(cursors(take()[0]), [3, 4, 5]);
});

Deno.test("connection that leaves while it catches up says all of it, in order, then closes [S4, S6]", async () => {
  const { connection, say, settle, take } = connect({}, true);
  connection.remind(frameChunk(0));
  connection.recorded(frameChunk(2));
  say({ type: "bye" });
  connection.recorded(frameChunk(3));
  settle();
  await turn();
  connection.remind(frameChunk(1));
  const [before, , early] = take();
  assertEquals([cursors(before), early], [[1, 2], []]);
  connection.caughtUp();
  await turn();
  const [after, events, closes] = take();
  assertEquals(cursors(after), [3, 4]);
  assertEquals([events, closes], [["end 1000 bye true"], [[1000, "bye"]]]);
});

Deno.test("connection that must leave while it catches up leaves no gap for the next one [S4, S5]", () => {
  const { clock, connection, take } = connect({}, true);
  connection.remind(frameChunk(0));
  connection.recorded(frameChunk(2));
  connection.drain();
  clock.tick(2000);
  connection.remind(frameChunk(1));
  connection.caughtUp();
  const [sent, , closes] = take();
  assertEquals([cursors(sent), closes], [[1], [[1012, AWAY]]]);
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("connection brings what is in flight after bye, and closes with 1000 [S6]", async () => {
  const { connection, send, say, take, settle, answers } = connect();
  say({ type: "ask", id: "q", question: "What?" });
  say({ type: "bye" });
  assertEquals(take()[1], ["ask What?", "settle"]);
  send(5);
  say({ type: "prompt", prompt: "Read." });
  say({ type: "bye" });
  say({ type: "ask", id: "r", question: "Late?" });
  connection.recorded(frameChunk(0));
  connection.told(FAILED);
  answers[0]!({ kind: "answered", text: "A dog.", latencyMs: 1 });
  await turn();
  const [sent, events, closes] = take();
  assertEquals(sent.map(({ type, reason }) => reason ?? type), [
    "busy",
    "result",
    "notice",
    "answer",
  ]);
  assertEquals([events, closes], [["proceed after 1"], []], "nobody looks at a frame any more");
  settle();
  await turn();
  assertEquals(take(), [[], ["end 1000 bye true"], [[1000, "bye"]]]);
});

Deno.test("connection drains: says so, lets results out, then closes 1012 [S5, V9]", async () => {
  const { clock, connection, take, settle } = connect();
  connection.drain();
  connection.recorded(frameChunk(0));
  const [sent, events, closes] = take();
  assertEquals([sent[0], cursors(sent)], [DRAINING, [1]]);
  assertEquals([events, closes], [["settle"], []]);
  settle();
  await turn();
  assertEquals(take(), [[], [`end 1012 ${AWAY} false`], [[1012, AWAY]]]);
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("connection drains for two seconds at most [S5, V9]", async () => {
  for (const wasLeaving of [false, true]) {
    const { clock, connection, say, take, settle } = connect();
    if (wasLeaving) say({ type: "bye" });
    connection.drain();
    clock.tick(1000);
    connection.drain();
    clock.tick(999);
    assertEquals(take()[2], []);
    clock.tick(1);
    settle();
    await turn();
    const [, events, closes] = take();
    assertEquals([events, closes], [[`end 1012 ${AWAY} false`], [[1012, AWAY]]]);
    assertEquals(clock.pendingTimers, 0);
  }
});

Deno.test("connection that is replaced gives up and closes 1008, in every state [S4]", () => {
  const enter: Record<string, (bench: ReturnType<typeof connect>) => void> = {
    "catching up": () => {},
    open: ({ connection }) => connection.caughtUp(),
    leaving: ({ say }) => say({ type: "bye" }),
    draining: ({ connection }) => connection.drain(),
  };
  for (const [state, prepare] of Object.entries(enter)) {
    const bench = connect({}, true);
    prepare(bench);
    bench.take();
    bench.connection.replaced();
    const [, events, closes] = bench.take();
    const expected = [`abandon: ${HAS_IT}`, `end 1008 ${HAS_IT} false`];
    assertEquals([events, closes], [expected, [[1008, HAS_IT]]], state);
    assertEquals(bench.clock.pendingTimers, 0, state);
  }
});

Deno.test("connection that is lost ends the session once, not for good, in every state [S4]", async () => {
  for (const catchesUp of [false, true]) {
    for (const leaves of [false, true]) {
      const { clock, connection, say, take, settle } = connect({ stallMs: 1000 }, catchesUp);
      if (leaves) say({ type: "bye" });
      take();
      connection.closed(1006, "");
      connection.closed(1006, "");
      settle();
      await turn();
      assertEquals(take(), [[], ["end 1006  false"], []]);
      assertEquals(clock.pendingTimers, 0);
    }
  }
});

Deno.test("connection that is closed hears and says nothing [S4]", async () => {
  const { clock, connection, send, say, take, answers } = connect({ stallMs: 1000 }, true);
  say({ type: "ask", id: "q", question: "What?" });
  connection.recorded(frameChunk(3));
  connection.closed(1006, "");
  take();
  answers[0]!({ kind: "answered", text: "A dog.", latencyMs: 1 });
  send(5);
  for (const type of ["bye", "pause", "unpause", "dance"]) say({ type });
  connection.message("no JSON");
  connection.remind(frameChunk(0));
  connection.recorded(frameChunk(4));
  connection.told(FAILED);
  connection.notice({ code: "budget", message: "no" });
  connection.caughtUp();
  connection.drain();
  await turn();
  clock.tick(60_000);
  assertEquals(take(), [[], [], []]);
  assertEquals(clock.pendingTimers, 0);
});
