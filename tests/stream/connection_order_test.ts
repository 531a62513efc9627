import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { frameChunk } from "./_chunks.ts";
import { connect } from "./_connections.ts";

const step = fc.oneof(
  { weight: 6, arbitrary: fc.constant("remind" as const) },
  { weight: 6, arbitrary: fc.constant("record" as const) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("bye", "drain", "settle", "lose", "replace", "second"),
  },
);
const steps = fc.array(step, { maxLength: 40, size: "max" });

Deno.test("connection says results in order and without a gap, whatever happens when [S3, S4]", async () => {
  await fc.assert(fc.asyncProperty(fc.nat(6), steps, async (stored, steps) => {
    const bench = connect(2, {}, true);
    const { connection, clock, socket, events } = bench;
    let [reminded, recorded, isCaughtUp] = [0, stored, false];
    const remind = () => {
      if (reminded < stored) connection.remind(frameChunk(reminded++));
      else if (!isCaughtUp) connection.caughtUp(), isCaughtUp = true;
    };
    const acts: Record<typeof steps[number], () => void> = {
      remind,
      record: () => connection.recorded(frameChunk(recorded++)),
      bye: () => bench.say({ type: "bye" }),
      drain: () => connection.drain(),
      settle: () => bench.settle(),
      lose: () => connection.closed(1006, ""),
      replace: () => connection.replaced(),
      second: () => clock.tick(1000),
    };
    for (const step of steps) {
      acts[step]();
      await clock.tickAsync(0);
    }
    const wasClosed = events.some((event) => event.startsWith("end "));
    while (!isCaughtUp) remind();
    bench.settle();
    await clock.tickAsync(0);
    const cursors = socket.sent.flatMap(({ type, cursor }) => type === "result" ? [cursor] : []);
    assertEquals(cursors, Array.from(cursors, (_, at) => at + 1));
    assert(wasClosed || cursors.length === recorded, "none is kept back for good");
    assert(events.filter((event) => event.startsWith("end ")).length <= 1);
  }));
});
