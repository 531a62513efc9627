import { assertEquals } from "@std/assert";
import { MemoryGuard } from "../../stream/memory_guard.ts";
import { createFakeClock } from "../_fake_clock.ts";

function watch(limitBytes: number) {
  const clock = createFakeClock();
  const heard: string[] = [];
  const bench = { rss: 0, reads: 0 };
  const guard = new MemoryGuard({
    limitBytes,
    clock,
    rssBytes() {
      bench.reads++;
      return bench.rss;
    },
    changed: (isFull, rss) => void heard.push(`${isFull ? "full" : "recovered"} ${rss}`),
    drain: (rss) => void heard.push(`drain ${rss}`),
  });
  const becomes = (rss: number) => {
    bench.rss = rss;
    clock.tick(1000);
    return guard.isFull;
  };
  return { clock, guard, bench, heard, becomes };
}

Deno.test("MemoryGuard is full above its limit, says so once, and recovers", () => {
  const { heard, becomes, guard, clock } = watch(1000);
  assertEquals([1000, 1001, 1250, 1000].map(becomes), [false, true, true, false]);
  assertEquals(heard, ["full 1001", "recovered 1000"]);
  guard.stop();
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("MemoryGuard sends the clients away well above its limit, once a minute at most", () => {
  const { heard, becomes, guard } = watch(1000);
  becomes(1251);
  for (let second = 1; second < 60; second++) becomes(2000);
  assertEquals(heard, ["full 1251", "drain 1251"]);
  becomes(2000);
  assertEquals(heard.slice(2), ["drain 2000"]);
  guard.stop();
});

Deno.test("MemoryGuard looks once a second, and never where it is off", () => {
  const { clock, bench, guard } = watch(1000);
  clock.tick(10_000);
  assertEquals(bench.reads, 10);
  guard.stop();
  const off = watch(0);
  off.becomes(1e12);
  assertEquals([off.bench.reads, off.guard.isFull, off.clock.pendingTimers], [0, false, 0]);
});
