import { assertEquals } from "@std/assert";
import { Turns } from "../../../timeline/search/_turns.ts";
import { createFakeClock } from "../../_fake_clock.ts";

Deno.test("Turns lets others have their turn after a long one, and after no short one", async () => {
  const clock = createFakeClock();
  const turns = new Turns(clock);
  clock.tick(3);
  await turns.pass();
  clock.tick(2);
  let isOn = false;
  const passed = turns.pass().then(() => isOn = true);
  await Promise.resolve();
  assertEquals([isOn, clock.pendingTimers], [false, 1]);
  clock.tick(0);
  await passed;
  await turns.pass();
  assertEquals(clock.pendingTimers, 0);
});
