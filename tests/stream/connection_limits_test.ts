import { assertEquals } from "@std/assert";
import { connect as connectAs, type Limits } from "./_connections.ts";

const connect = (limits: Limits = {}, catchesUp = false) => connectAs(2, limits, catchesUp);
const STALLED = { type: "notice", code: "stalled", message: "no frame came for 4 s" };

Deno.test("connection says that frames stay away, once per stall [S5]", () => {
  const { clock, send, take } = connect({ stallMs: 4000 });
  clock.tick(3999);
  assertEquals(take()[0], []);
  clock.tick(1);
  assertEquals(take()[0], [STALLED]);
  clock.tick(60_000);
  assertEquals(take()[0], []);
  for (let at = 0; at < 20; at++) {
    send(1);
    clock.tick(3000);
  }
  assertEquals(take()[0].filter(({ type }) => type === "notice"), []);
  clock.tick(999);
  assertEquals(take()[0], []);
  clock.tick(1);
  assertEquals(take()[0], [STALLED]);
});

Deno.test("connection says nothing of a stall where that is off, or while it is paused [S5, S6]", () => {
  const off = connect({ stallMs: 0 });
  off.clock.tick(60_000);
  assertEquals(off.take()[0], []);
  const { clock, say, send, take } = connect({ stallMs: 4000 });
  say({ type: "pause" });
  clock.tick(60_000);
  send(1);
  clock.tick(60_000);
  assertEquals(take()[0].map(({ type }) => type), ["ack"]);
  say({ type: "unpause" });
  clock.tick(3999);
  assertEquals(take()[0], []);
  clock.tick(1);
  assertEquals(take()[0], [STALLED]);
});

Deno.test("connection says nothing of a stall to who is about to leave [S5, S6]", () => {
  const { clock, say, take } = connect({ stallMs: 4000 });
  say({ type: "bye" });
  clock.tick(60_000);
  assertEquals(take()[0], []);
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("connection answers what is not of the protocol; the third time it closes 1003 [S7]", () => {
  const { connection, send, say, take } = connect({}, true);
  connection.message("nonsense");
  say({ type: "dance" });
  send(1);
  say({ type: "pause" });
  const [sent, , closes] = take();
  assertEquals(sent.map(({ type, code }) => code ?? type), ["not_json", "unknown_type", "ack"]);
  assertEquals(closes, []);
  say({ type: "ask" });
  const [last, events, closed] = take();
  const reason = "messages must be of the protocol: 3 were not";
  assertEquals(last.map(({ code }) => code), ["malformed"]);
  assertEquals([events, closed], [[`end 1003 ${reason} false`], [[1003, reason]]]);
});

Deno.test("connection v2 keeps the limits of v1: too large, too fast, unread [V9]", () => {
  const large = connect({ maxFrameBytes: 100 });
  large.send(100);
  large.send(101);
  assertEquals(large.socket.closes, [[1009, "a frame must be at most 100 bytes: it was 101"]]);
  const fast = connect({ maxFps: 10 }, true);
  for (let at = 0; at < 21; at++) fast.send(1);
  assertEquals(fast.socket.closes, [[1008, "frames must be at most 10 per second"]]);
  const unread = connect();
  unread.socket.queuedBytes = 256 * 1024;
  unread.send(1);
  assertEquals(unread.socket.closes, []);
  unread.socket.queuedBytes++;
  unread.send(1);
  unread.clock.tick(10_000);
  const end: [number, string] = [1008, "acks must be read: too many are unread"];
  assertEquals(unread.socket.closes, [end]);
  unread.connection.closed(...end);
  for (const { clock, arrived } of [large, fast, unread]) {
    assertEquals([clock.pendingTimers, arrived.length > 0], [0, true]);
  }
});

Deno.test("connection v2 hears ten wishes a second and a burst, and any number of frames announced [S6, V9]", () => {
  const { clock, say, events, socket, connection } = connect({ maxFps: 0 }, true);
  for (let at = 0; at < 100; at++) say({ type: "frame", captured_at_ms: at });
  for (let at = 0; at < 20; at++) say({ type: "prompt", prompt: `sign ${at}` });
  assertEquals([events.length, socket.closes], [20, []]);
  clock.tick(100);
  say({ type: "pause" });
  assertEquals(socket.closes, []);
  say({ type: "unpause" });
  assertEquals(socket.closes, [[1008, "messages must be at most 10 per second"]]);
  connection.closed(1008, "");
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("connection closes 1009 on a text that is no message of the protocol, unread [S7, V9]", () => {
  const { clock, connection, socket } = connect();
  connection.message(" ".repeat(64 * 1024 + 1));
  assertEquals(socket.closes, [[1009, "a text message must be at most 65536 characters"]]);
  connection.closed(1009, "");
  assertEquals(clock.pendingTimers, 0);
});
