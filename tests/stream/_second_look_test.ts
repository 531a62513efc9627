import { assertEquals } from "@std/assert";
import { FreshFrames } from "../../stream/_second_look.ts";
import { createFakeClock } from "../_fake_clock.ts";

const frame = (first: number) => new Uint8Array([first]);
const firstsOf = (frames: readonly Uint8Array[]) => frames.map(([first]) => first);

Deno.test("FreshFrames gathers a few frames that come from now on, apart from each other [R6]", async () => {
  const clock = createFakeClock();
  const fresh = new FreshFrames(clock);
  fresh.offer(frame(1));
  const gathered = fresh.gather();
  for (let at = 2; at < 20; at++) {
    clock.tick(100);
    fresh.offer(frame(at));
  }
  assertEquals(firstsOf(await gathered), [2, 5, 8]);
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("FreshFrames waits a second for more, and five for the first [R6]", async () => {
  const clock = createFakeClock();
  const fresh = new FreshFrames(clock);
  const one = fresh.gather();
  clock.tick(4_999);
  fresh.offer(frame(1));
  clock.tick(1_000);
  assertEquals(firstsOf(await one), [1]);
  const none = fresh.gather();
  clock.tick(5_000);
  assertEquals(firstsOf(await none), []);
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("FreshFrames gives what there is when the stream ends, and nothing behind that [R6]", async () => {
  const clock = createFakeClock();
  const fresh = new FreshFrames(clock);
  const gathered = fresh.gather();
  fresh.offer(frame(1));
  fresh.close();
  assertEquals(firstsOf(await gathered), [1]);
  assertEquals(await fresh.gather(), []);
  assertEquals(clock.pendingTimers, 0);
});
