import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { createCounters } from "../../counters.ts";
import { createLogger } from "../../log.ts";
import { Watchlist } from "../../rules/watchlist.ts";
import { POLL_MS, StandingOrders } from "../../wearers/orders.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { withKv } from "../kv/_temp_kv.ts";
import { added, storeOn } from "./_rules.ts";

type Read = "get" | "getMany" | "list";

/** Counts what is read, and lets none of it through while it is down. */
function counting(kv: Deno.Kv) {
  const reads: Record<Read, number> = { get: 0, getMany: 0, list: 0 };
  const state = { isDown: false, hangs: false, inflight: 0 };
  const tracked = <T>(work: Promise<T>) => {
    state.inflight++;
    return work.finally(() => state.inflight--);
  };
  const counted = new Proxy(kv, {
    get(_, name) {
      const member = Reflect.get(kv, name);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        if (name in reads) {
          reads[name as Read]++;
          if (state.isDown) throw new Error("KV is away");
          if (state.hangs) return new Promise(() => {});
        }
        const answer = member.apply(kv, args);
        return name === "getMany" ? tracked(answer) : answer;
      };
    },
  });
  return { kv: counted, reads, state, tracked };
}

function watch(real: Deno.Kv) {
  const clock = createFakeClock();
  const { kv, reads, state, tracked } = counting(real);
  const lines: string[] = [];
  const counters = createCounters();
  const options = { kv, clock, counters, log: createLogger("error", (line) => lines.push(line)) };
  const orders = new StandingOrders(options);
  const changes = { follow: orders.followRules.bind(orders) };
  const store = storeOn(kv, clock);
  const active: typeof store.active = (...asked) => tracked(store.active(...asked));
  const watchlist = new Watchlist({ ...options, rules: { active }, changes });
  /** Another process on the same books. */
  const elsewhere = storeOn(real, clock);
  /** Until KV has answered what it was asked; time does not move. */
  const settled = async () => {
    for (let quiet = 0; quiet < 3; quiet = state.inflight > 0 ? 0 : quiet + 1) {
      await clock.tickAsync(0);
      await new Promise((done) => setTimeout(done));
    }
  };
  const later = async (ms = POLL_MS) => {
    await clock.tickAsync(ms);
    await settled();
  };
  return { clock, reads, state, lines, counters, watchlist, elsewhere, settled, later };
}

const texts = (watched: { now(): readonly { readonly text: string }[] }) =>
  watched.now().map(({ text }) => text.match(/"(.*)"/)![1]);

Deno.test("Watchlist knows the active rules soon after it begins to follow, and waits for nothing [R4]", () =>
  withKv(async (kv) => {
    const { watchlist, elsewhere, settled, clock } = watch(kv);
    const dog = await added(elsewhere, "ann", { when: "a dog" });
    await added(elsewhere, "ann", { when: "a cat", enabled: false });
    await added(elsewhere, "ann", { when: "a cow" });
    const watched = watchlist.follow("ann");
    assertEquals(watched.now(), []);
    await settled();
    assertEquals(texts(watched), ["a dog", "a cow"]);
    assertEquals(watched.now()[0]!.id, `${dog.id}.1`);
    watched.stop();
    assertEquals([watchlist.size, clock.pendingTimers], [0, 0]);
  }));

Deno.test("Watchlist hears within a second of every change that another process makes [R4]", () =>
  withKv(async (kv) => {
    const { watchlist, elsewhere, settled, later } = watch(kv);
    const watched = watchlist.follow("ann");
    await settled();
    assertEquals(texts(watched), []);
    const dog = await added(elsewhere, "ann", { when: "a dog" });
    await later();
    assertEquals(texts(watched), ["a dog"]);
    await elsewhere.change("ann", dog.id, { when: "a wolf" });
    await later();
    assertEquals(watched.now(), [{ id: `${dog.id}.2`, text: 'Can this be seen: "a wolf"?' }]);
    await elsewhere.change("ann", dog.id, { enabled: false });
    await later();
    assertEquals(texts(watched), []);
    await elsewhere.change("ann", dog.id, { enabled: true });
    await later();
    assertEquals(texts(watched), ["a wolf"]);
    await elsewhere.remove("ann", dog.id);
    await later();
    assertEquals(texts(watched), []);
    watched.stop();
  }));

Deno.test("Watchlist keeps wearers apart, and streams of one together [V11, A6, R4]", () =>
  withKv(async (kv) => {
    const { watchlist, elsewhere, settled, later } = watch(kv);
    await added(elsewhere, "ann", { when: "a dog" });
    await added(elsewhere, "bob", { when: "a cat" });
    const [ann, again, bob, cid] = ["ann", "ann", "bob", "cid"].map((wearer) => {
      return watchlist.follow(wearer);
    }) as [ReturnType<Watchlist["follow"]>, ...ReturnType<Watchlist["follow"]>[]];
    await settled();
    assertEquals([ann, again!, bob!, cid!].map(texts), [["a dog"], ["a dog"], ["a cat"], []]);
    assertEquals(watchlist.size, 3);
    ann.stop();
    ann.stop();
    await added(elsewhere, "ann", { when: "a cow" });
    await later();
    assertEquals([again!, bob!].map(texts), [["a dog", "a cow"], ["a cat"]]);
    again!.stop();
    bob!.stop();
    cid!.stop();
    assertEquals(watchlist.size, 0);
  }));

Deno.test("Watchlist costs one small read a second for three wearers, and none while nobody is followed", () =>
  withKv(async (kv) => {
    const { clock, reads, watchlist, elsewhere, settled, later } = watch(kv);
    await added(elsewhere, "w1", { when: "a dog" });
    const all = Array.from({ length: 3 }, (_, at) => watchlist.follow(`w${at}`));
    await settled();
    // Who has no rules costs nothing but the look whether there are any.
    assertEquals([reads.list, reads.get], [1, 1]);
    const list = all[1]!.now();
    const before = reads.getMany;
    for (let second = 1; second <= 5; second++) await later();
    assertEquals(reads, { get: 1, list: 1, getMany: before + 5 });
    assertStrictEquals(all[1]!.now(), list);
    all.forEach((watched) => watched.stop());
    await later(5 * POLL_MS);
    assertEquals([reads.getMany, clock.pendingTimers], [before + 5, 0]);
  }));

Deno.test("Watchlist goes on with what it knows while KV is away, and says so once [R4]", () =>
  withKv(async (kv) => {
    const { watchlist, elsewhere, state, counters, lines, settled, later } = watch(kv);
    await added(elsewhere, "ann", { when: "a dog" });
    const ann = watchlist.follow("ann");
    await settled();
    state.isDown = true;
    const bob = watchlist.follow("bob");
    await added(elsewhere, "bob", { when: "a cat" });
    for (let second = 1; second <= 3; second++) await later();
    assertEquals([ann, bob].map(texts), [["a dog"], []]);
    assertEquals(lines.length, 1);
    assert(lines[0]!.includes("KV is away") && !lines[0]!.includes("dog"), lines[0]);
    assert(counters.kvFailures >= 3);
    state.isDown = false;
    await later();
    assertEquals([ann, bob].map(texts), [["a dog"], ["a cat"]]);
    ann.stop();
    bob.stop();
  }));

Deno.test("Watchlist leaves nothing behind where KV never answers, and begins anew", () =>
  withKv(async (kv) => {
    const { watchlist, elsewhere, state, clock, counters, settled } = watch(kv);
    await added(elsewhere, "ann", { when: "a dog" });
    state.hangs = true;
    watchlist.follow("ann").stop();
    const ann = watchlist.follow("ann");
    await clock.tickAsync(POLL_MS);
    ann.stop();
    await clock.tickAsync(0);
    assertEquals([clock.pendingTimers, counters.kvFailures], [0, 0]);
    state.hangs = false;
    const again = watchlist.follow("ann");
    await settled();
    assertEquals(texts(again), ["a dog"]);
    again.stop();
  }));

Deno.test("Watchlist tries again to read rules that it could not read [R4]", () =>
  withKv(async (kv) => {
    const clock = createFakeClock();
    const lines: string[] = [];
    const log = createLogger("error", (line) => lines.push(line));
    const store = storeOn(kv, clock);
    await added(store, "ann", { when: "a dog" });
    const counters = createCounters();
    let failures = 2;
    let read: Promise<unknown> = Promise.resolve();
    let hear: (stamp: string | null) => void = () => {};
    const watchlist = new Watchlist({
      rules: {
        active(wearer, known) {
          const answer = failures-- > 0
            ? Promise.reject(new Error("locked"))
            : store.active(wearer, known);
          read = answer.catch(() => {});
          return answer;
        },
      },
      changes: { follow: (_, listener) => (hear = listener, () => {}) },
      counters,
      log,
    });
    const ann = watchlist.follow("ann");
    for (const expected of [[], [], ["a dog"]]) {
      hear("a stamp");
      await read;
      // The watchlist awaits it too, and was there first.
      await clock.tickAsync(0);
      assertEquals(texts(ann), expected);
    }
    assertEquals([counters.kvFailures, lines.length], [2, 1]);
    ann.stop();
  }));
