import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { InferenceSlots, type Release } from "../../inference/slots.ts";

Deno.test("slots run at once while there are free ones [V3]", () => {
  const slots = new InferenceSlots(2);
  const held: Release[] = [];
  for (let at = 0; at < 3; at++) slots.request((release) => held.push(release));
  assertEquals([held.length, slots.taken, slots.waiting], [2, 2, 1]);
  held[0]!();
  assertEquals([held.length, slots.taken, slots.waiting], [3, 2, 0]);
});

Deno.test("slots go to the longest waiting first [V3]", () => {
  const slots = new InferenceSlots(1);
  const order: string[] = [];
  const releases: Release[] = [];
  for (const name of ["a", "b", "c"]) {
    slots.request((release) => {
      order.push(name);
      releases.push(release);
    });
  }
  releases[0]!();
  slots.request((release) => {
    order.push("a again");
    releases.push(release);
  });
  releases[1]!();
  releases[2]!();
  assertEquals(order, ["a", "b", "c", "a again"]);
});

Deno.test("slots given back twice count once", () => {
  const slots = new InferenceSlots(1);
  let release: Release = () => {};
  slots.request((given) => release = given);
  release();
  release();
  assertEquals(slots.taken, 0);
});

Deno.test("slots skip who has left the queue", () => {
  const slots = new InferenceSlots(1);
  let first: Release = () => {};
  const ran: string[] = [];
  slots.request((release) => first = release);
  const leave = slots.request(() => ran.push("left"));
  slots.request(() => ran.push("stayed"));
  leave();
  first();
  assertEquals(ran, ["stayed"]);
});

Deno.test("slots without a limit never make anyone wait", () => {
  const slots = new InferenceSlots(0);
  for (let at = 0; at < 100; at++) slots.request(() => {});
  assertEquals([slots.taken, slots.waiting], [100, 0]);
});

Deno.test("slots give streams that always want more their fair share [V3]", () => {
  const cases = fc.record({
    max: fc.integer({ min: 1, max: 5 }),
    streams: fc.integer({ min: 1, max: 12 }),
    seed: fc.infiniteStream(fc.nat()),
  });
  fc.assert(fc.property(cases, ({ max, streams, seed }) => {
    const slots = new InferenceSlots(max);
    const served = new Array<number>(streams).fill(0);
    const running: Release[] = [];
    const want = (stream: number) =>
      slots.request((release) => {
        served[stream]!++;
        running.push(() => {
          release();
          want(stream);
        });
      });
    for (let stream = 0; stream < streams; stream++) want(stream);
    for (let turn = 0; turn < 40 * streams; turn++) {
      // Whichever inference happens to end next, no stream falls behind by more than who runs.
      const [ended] = running.splice(seed.next().value % running.length, 1);
      ended!();
    }
    if (streams <= max) return;
    const [least, most] = [Math.min(...served), Math.max(...served)];
    assertEquals(most <= 2 * least, true, `served ${served}`);
  }));
});
