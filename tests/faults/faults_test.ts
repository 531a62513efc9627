import { assertEquals } from "@std/assert";
import { Figures } from "./_figures.ts";
import { type Found, runPlan } from "./_schedule.ts";
import { withWorldInside } from "./_world_inside.ts";

Deno.test("sessions lose and double nothing, whatever goes wrong [V1, V11, S3, S4]", async () => {
  const figures = new Figures();
  const plan = {
    seed: 1,
    sessions: 20,
    seconds: 3,
    fps: 10,
    faultsPerSecond: 1,
    worldFaultsPerSecond: 4,
    kills: 0,
    phones: 2,
    hops: false,
  };
  let found: Found[] = [];
  await withWorldInside(0.2, () => {}, async (world) => {
    found = await runPlan(world, plan, figures);
  });
  assertEquals(found.map(({ wearer, reason }) => `wearer ${wearer}: ${reason}`), []);
});
