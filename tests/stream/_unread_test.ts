import { assertEquals } from "@std/assert";
import { UnreadGuard } from "../../stream/_unread.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { createFakeSocket } from "./_fake_socket.ts";

const CAP_BYTES = 256 * 1024;

function guarded() {
  const clock = createFakeClock();
  const socket = createFakeSocket();
  const guard = new UnreadGuard(socket, clock, () => socket.close(1008, "unread"));
  const leave = (queuedBytes: number) => {
    socket.queuedBytes = queuedBytes;
    guard.check();
  };
  return { clock, socket, guard, leave };
}

Deno.test("UnreadGuard does nothing up to the cap", () => {
  const { clock, socket, leave } = guarded();
  leave(CAP_BYTES);
  assertEquals([socket.isPaused, clock.pendingTimers], [false, 0]);
});

Deno.test("UnreadGuard pauses above the cap, and resumes at half of it [V9]", () => {
  const { clock, socket, leave } = guarded();
  leave(CAP_BYTES + 1);
  leave(CAP_BYTES + 2);
  assertEquals([socket.isPaused, clock.pendingTimers], [true, 1]);
  socket.queuedBytes = CAP_BYTES / 2 + 1;
  clock.tick(1000);
  assertEquals(socket.isPaused, true);
  socket.queuedBytes = CAP_BYTES / 2;
  clock.tick(100);
  assertEquals([socket.isPaused, socket.closes, clock.pendingTimers], [false, [], 0]);
  leave(CAP_BYTES + 1);
  assertEquals(socket.isPaused, true, "each time anew");
});

Deno.test("UnreadGuard drops a client that does not read on in ten seconds, then terminates [V9]", () => {
  const { clock, socket, leave } = guarded();
  leave(CAP_BYTES + 1);
  clock.tick(9900);
  assertEquals(socket.closes, []);
  clock.tick(100);
  assertEquals([socket.closes, socket.isTerminated], [[[1008, "unread"]], false]);
  leave(CAP_BYTES + 1);
  clock.tick(1000);
  assertEquals([socket.closes.length, socket.isTerminated, clock.pendingTimers], [1, true, 0]);
});

Deno.test("UnreadGuard drops at once where the socket cannot pause [V9]", () => {
  const { clock, socket, leave } = guarded();
  socket.canPause = false;
  leave(CAP_BYTES + 1);
  assertEquals([socket.closes, socket.isTerminated], [[[1008, "unread"]], false]);
  clock.tick(1000);
  assertEquals(socket.isTerminated, true);
});

Deno.test("UnreadGuard lets go of everything when the connection has ended", () => {
  for (const waitMs of [0, 10_500]) {
    const { clock, socket, guard, leave } = guarded();
    leave(CAP_BYTES + 1);
    clock.tick(waitMs);
    guard.stop();
    leave(CAP_BYTES + 1);
    assertEquals([clock.pendingTimers, socket.isTerminated], [0, false]);
  }
});
