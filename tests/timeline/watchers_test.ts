import { assert, assertEquals } from "@std/assert";
import { segmentChangePrefix } from "../../kv/timeline_keys.ts";
import { POLL_MS, type Watcher, Watchers } from "../../timeline/watchers.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { DAY_MS } from "../kv/_sessions.ts";
import { withKv } from "../kv/_temp_kv.ts";
import { createTimelineStore, noon, second, tell } from "./_timeline.ts";

async function watchAnn(kv: Deno.Kv, after: string | null = null) {
  const clock = createFakeClock();
  const watchers = new Watchers({ kv, clock });
  const watcher = watchers.watch("ann") as Watcher;
  await watcher.begin(after);
  return { clock, watchers, watcher };
}

const saying = (changes: Awaited<ReturnType<Watcher["next"]>>) =>
  changes?.map(({ segment }) => `${segment.caption} ${segment.chunkCount}`);

Deno.test("Watcher finds what other processes wrote within a second, without being woken [T6]", () =>
  withKv(async (kv) => {
    const { clock, watcher } = await watchAnn(kv);
    const heard = watcher.next(15_000);
    await clock.tickAsync(10);
    await tell(kv, ["A dog."]);
    await clock.tickAsync(POLL_MS);
    assertEquals(saying(await heard), ["A dog. 1"]);
    watcher.stop();
    assertEquals(clock.pendingTimers, 0);
  }));

Deno.test("Watcher is woken for its wearer, and for no other [T6]", () =>
  withKv(async (kv) => {
    const { clock, watchers, watcher } = await watchAnn(kv);
    let isOver = false;
    const heard = watcher.next(15_000).finally(() => isOver = true);
    await clock.tickAsync(10);
    await tell(kv, ["A dog."]);
    watchers.wake("bob");
    await clock.tickAsync(10);
    assert(!isOver);
    watchers.wake("ann");
    assertEquals(saying(await heard), ["A dog. 1"]);
  }));

Deno.test("Watcher hears only of its wearer [T6]", () =>
  withKv(async (kv) => {
    await tell(kv, ["A cat."], { ...noon, wearer: "bob" });
    const { clock, watcher } = await watchAnn(kv, "0".repeat(20));
    assertEquals(await clock.tickUntil(watcher.next(10)), []);
  }));

Deno.test("Watcher that comes new hears nothing of what was before [T7]", () =>
  withKv(async (kv) => {
    await tell(kv, ["A dog.", "A cat."]);
    const { clock, watcher } = await watchAnn(kv);
    assertEquals(watcher.position, await newestPosition(kv));
    await tell(kv, ["A bird."], { ...noon, id: "s2" });
    assertEquals(saying(await clock.tickUntil(watcher.next(0))), ["A bird. 1"]);
  }));

Deno.test("Watcher waits as long as it is told, then says that there is nothing [T6]", () =>
  withKv(async (kv) => {
    const { clock, watcher } = await watchAnn(kv);
    const startedAtMs = clock.monotonicMs();
    assertEquals(await clock.tickUntil(watcher.next(15_000), 100), []);
    // It may be more: KV takes its time, and this clock does not wait for it.
    assert(clock.monotonicMs() - startedAtMs >= 15_000);
    assertEquals(clock.pendingTimers, 0);
  }));

Deno.test("Watcher that goes on from any position misses no segment's last state [T7]", () =>
  withKv(async (kv) => {
    const { store } = createTimelineStore(kv, 0);
    const all = new Map<string, string>();
    const positions = ["0".repeat(20)];
    const writers = ["s1", "s2", "s3"].map((id) => store.begin({ ...noon, id }));
    const words = ["A dog.", "A dog.", "A cat.", "a cat", "A cat!", "A bird."];
    for (const [index, word] of words.entries()) {
      for (const [at, writer] of writers.entries()) {
        const id = `s${at + 1}`;
        const chunk = { ...second(index, word), sessionId: id };
        await writer.write({ ...noon, id, chunkCount: index + 1 }, chunk);
        positions.push((await newestPosition(kv))!);
      }
    }
    for (const [skipped, position] of positions.entries()) {
      const { clock, watcher } = await watchAnn(kv, position);
      const heard = new Map<string, string>();
      while (true) {
        const changes = await clock.tickUntil(watcher.next(0));
        if (!changes?.length) break;
        for (const { segment } of changes) {
          assert(!heard.has(segment.id), "once is enough");
          heard.set(segment.id, `${segment.lastIndex}`);
        }
      }
      if (skipped === 0) { for (const [id, last] of heard) all.set(id, last); }
      // What changed behind the position: the chunks that were written after it.
      const missed = [...all].filter(([id, last]) => {
        const session = Number(id[1]) - 1;
        return Number(last) * 3 + session + 1 > skipped;
      });
      assertEquals(new Map([...heard].sort()), new Map(missed.sort()), `behind ${skipped}`);
      watcher.stop();
    }
    assertEquals(all.size, 9);
  }));

Deno.test("Watcher passes over segments that are too old [T7]", () =>
  withKv(async (kv) => {
    const { store } = createTimelineStore(kv, 1);
    const writer = store.begin(noon);
    for (let index = 0; index < 25; index++) {
      await writer.write({ ...noon, chunkCount: index + 1 }, second(index, `saw ${index}`));
    }
    await tell(kv, ["A dog."], { ...noon, id: "s2" });
    const { clock, watcher } = await watchAnn(kv, "0".repeat(20));
    clock.setEpochMs(noon.startedAtMs + DAY_MS);
    assertEquals(saying(await clock.tickUntil(watcher.next(0))), ["A dog. 1"]);
  }));

Deno.test("Watcher that is finishing says what came while it was reading, then that it is over [T6]", () =>
  withKv(async (kv) => {
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    const { watchers, watcher } = await watchAnn(answeringLate(kv, held));
    const heard = watcher.next(15_000);
    await tell(kv, ["A dog."]);
    watchers.close();
    letGo();
    assertEquals(saying(await heard), ["A dog. 1"]);
    assertEquals(await watcher.next(15_000), null);
    watcher.stop();
  }));

/** A database that tells what stood in it when it was asked, once it may. */
function answeringLate(kv: Deno.Kv, held: Promise<void>): Deno.Kv {
  let asked = 0;
  async function* list(...args: Parameters<Deno.Kv["list"]>) {
    const entries = await Array.fromAsync(kv.list(...args));
    // The first finds the watcher's place.
    if (asked++ > 0) await held;
    yield* entries;
  }
  const own = { list, getMany: kv.getMany.bind(kv) };
  return new Proxy(kv, { get: (_, name) => Reflect.get(own, name) });
}

async function newestPosition(kv: Deno.Kv): Promise<string | undefined> {
  const selector = { prefix: segmentChangePrefix("ann") };
  const [entry] = await Array.fromAsync(kv.list(selector, { reverse: true, limit: 1 }));
  return entry?.key.at(-1) as string | undefined;
}
