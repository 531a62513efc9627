import { assertEquals } from "@std/assert";
import { watchToken } from "../../wearers/_watch.ts";
import { createFakeClock } from "../_fake_clock.ts";

Deno.test("watchToken that is cancelled while it asks neither tells nor asks again", async () => {
  for (const isRevoked of [true, false]) {
    const clock = createFakeClock();
    const answer = Promise.withResolvers<boolean>();
    const heard: string[] = [];
    let asked = 0;
    const ask = () => (asked++, answer.promise);
    const { cancel } = watchToken(clock, Infinity, ask, (how) => heard.push(how));
    await clock.tickAsync(10_000);
    cancel();
    answer.resolve(isRevoked);
    await clock.tickAsync(60_000);
    assertEquals([heard, asked, clock.pendingTimers], [[], 1, 0]);
  }
});

Deno.test("watchToken says when a token expires, to the millisecond [A8]", async () => {
  const clock = createFakeClock();
  const heard: string[] = [];
  const stands = () => Promise.resolve(false);
  watchToken(clock, clock.epochMs() + 25_000, stands, (how) => heard.push(how));
  await clock.tickAsync(24_999);
  assertEquals(heard, []);
  await clock.tickAsync(1);
  assertEquals([heard, clock.pendingTimers], [["expired"], 0]);
});
