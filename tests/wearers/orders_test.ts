import { assertEquals } from "@std/assert";
import { erasingKey } from "../../kv/erasing_keys.ts";
import { wearerPrefix } from "../../kv/keys.ts";
import { ruleSetKey } from "../../kv/rule_keys.ts";
import { POLL_MS } from "../../wearers/orders.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { withKv } from "../kv/_temp_kv.ts";
import { createProcess, watchReads } from "./_orders.ts";

function setUp(kv: Deno.Kv) {
  const clock = createFakeClock();
  const watched = watchReads(kv);
  const here = createProcess(watched.kv, clock);
  const elsewhere = createProcess(kv, clock);
  /** Moves time on, and lets KV answer. */
  const pass = async (ms: number) => {
    await clock.tickAsync(ms);
    await watched.settled();
    await clock.tickAsync(0);
  };
  return { clock, watched, here, elsewhere, pass };
}

Deno.test("orders are heard within a second of being given to another process [A14]", () =>
  withKv(async (kv) => {
    const { here, elsewhere, pass } = setUp(kv);
    const [ann, bob] = [await here.stream("ann"), await here.stream("bob")];
    await elsewhere.cameras.pause("ann", null);
    assertEquals(ann.told, ["open"]);
    await pass(POLL_MS);
    assertEquals(ann.told, ["open", "paused until null"]);
    await elsewhere.cameras.unpause("ann");
    await pass(POLL_MS);
    assertEquals([ann.told, bob.told], [["open", "paused until null", "open"], ["open"]]);
    ann.leave();
    bob.leave();
  }));

Deno.test("orders given here are obeyed before it is answered, by all streams here [A14]", () =>
  withKv(async (kv) => {
    const { here, clock } = setUp(kv);
    const [one, two] = [await here.stream("ann"), await here.stream("ann")];
    const untilMs = clock.epochMs() + 60_000;
    await here.cameras.pause("ann", untilMs);
    assertEquals([one.told, two.told], [["open", `paused until ${untilMs}`], one.told]);
    one.leave();
    await here.cameras.unpause("ann");
    assertEquals([one.told.length, two.told.at(-1)], [2, "open"]);
    two.leave();
  }));

Deno.test("orders cost one reading a second for all wearers that are followed here, and none for none", () =>
  withKv(async (kv) => {
    const { here, watched, pass, clock } = setUp(kv);
    await pass(10 * POLL_MS);
    assertEquals(watched.asked, []);
    const names = Array.from({ length: 12 }, (_, at) => `w${at}`);
    const streams = await Promise.all([...names, ...names].map((name) => here.stream(name)));
    const cancels = names.flatMap((name) => [
      here.orders.whenErasing(name, () => {}),
      here.orders.followRules(name, () => {}),
    ]);
    await pass(0);
    watched.asked.length = 0;
    for (let second = 0; second < 3; second++) {
      await pass(POLL_MS);
      const sizes = watched.asked.splice(0).map((keys) => keys.length);
      assertEquals(sizes, [9, 9, 9, 9], "three keys of twelve distinct wearers, ten at most");
    }
    for (const leave of [...streams.map(({ leave }) => leave), ...cancels]) leave();
    await pass(10 * POLL_MS);
    assertEquals([watched.asked, clock.pendingTimers], [[], 0]);
  }));

Deno.test("orders stand from before the first frame of a stream that comes back [A14]", () =>
  withKv(async (kv) => {
    const { here, elsewhere } = setUp(kv);
    const first = await here.stream("ann");
    await elsewhere.cameras.pause("ann", null);
    const second = await here.stream("ann");
    assertEquals([first.told, second.told], [["open", "paused until null"], ["paused until null"]]);
    first.leave();
    second.leave();
  }));

Deno.test("orders that end do so by the clock, though KV cannot be read [A14]", () =>
  withKv(async (kv) => {
    const { here, watched, clock, pass } = setUp(kv);
    const untilMs = clock.epochMs() + 10_000;
    const stream = await here.stream("ann");
    await here.cameras.pause("ann", untilMs);
    watched.mode = "fails";
    await pass(9_999);
    assertEquals(stream.told, ["open", `paused until ${untilMs}`]);
    clock.tick(1);
    assertEquals(stream.told, ["open", `paused until ${untilMs}`, "open"]);
    assertEquals((await here.cameras.state("ann")).kind, "on");
    stream.leave();
    await pass(0);
    assertEquals(clock.pendingTimers, 0);
  }));

Deno.test("orders with an end in months wait no timer to death", () =>
  withKv(async (kv) => {
    const { here, clock } = setUp(kv);
    const stream = await here.stream("ann");
    await here.cameras.pause("ann", clock.epochMs() + 90 * 86_400_000);
    clock.tick(30 * 86_400_000);
    assertEquals(stream.told.length, 2);
    stream.leave();
  }));

Deno.test("orders that cannot be read stay as they were; who is new is told nothing is known [A14]", () =>
  withKv(async (kv) => {
    const { here, elsewhere, watched, pass } = setUp(kv);
    const old = await here.stream("ann");
    watched.mode = "fails";
    await elsewhere.cameras.pause("ann", null);
    await elsewhere.cameras.pause("bob", null);
    for (let second = 0; second < 3; second++) await pass(POLL_MS);
    const bob = await here.stream("bob");
    const another = await here.stream("ann");
    assertEquals([old.told, bob.told, another.told], [["open"], ["unknown"], ["open"]]);
    assertEquals(here.logged, ["kv.orders_failed"]);
    assertEquals(here.counters.kvFailures >= 5, true);
    watched.mode = "answers";
    await pass(POLL_MS);
    const paused = "paused until null";
    assertEquals([old.told, bob.told, another.told], [
      ["open", paused],
      ["unknown", paused],
      ["open", paused],
    ]);
    for (const { leave } of [old, bob, another]) leave();
  }));

Deno.test("orders changed here that cannot be read again are taken for the worst [A14]", () =>
  withKv(async (kv) => {
    const { here, watched, pass } = setUp(kv);
    const stream = await here.stream("ann");
    watched.mode = "fails";
    await here.cameras.pause("ann", null);
    assertEquals(stream.told, ["open", "unknown"]);
    watched.mode = "answers";
    await pass(POLL_MS);
    assertEquals(stream.told, ["open", "unknown", "paused until null"]);
    stream.leave();
  }));

Deno.test("orders: what was read before a change does not undo it [A14]", () =>
  withKv(async (kv) => {
    const { here, watched, clock, pass } = setUp(kv);
    const stream = await here.stream("ann");
    watched.mode = "held";
    await pass(POLL_MS);
    watched.mode = "answers";
    await here.cameras.pause("ann", null);
    assertEquals(stream.told, ["open", "paused until null"]);
    watched.letGo();
    await pass(0);
    assertEquals(stream.told, ["open", "paused until null"]);
    stream.leave();
    assertEquals(clock.pendingTimers, 0);
  }));

Deno.test("orders that change between a stream's asking and its beginning are obeyed [A14]", () =>
  withKv(async (kv) => {
    const { here, pass } = setUp(kv);
    const asked = await here.orders.ask("ann");
    await here.cameras.pause("ann", null);
    const told: string[] = [];
    const leave = here.orders.followCamera(asked, ({ kind }) => void told.push(kind));
    assertEquals(told, ["unknown"]);
    await pass(0);
    assertEquals(told, ["unknown", "paused"]);
    leave();
  }));

Deno.test("orders wait two seconds for a KV that says nothing, and poll on when it does", () =>
  withKv(async (kv) => {
    const { here, elsewhere, watched, clock, pass } = setUp(kv);
    watched.mode = "held";
    const asking = here.stream("ann");
    await pass(2_000);
    const stream = await asking;
    assertEquals(stream.told, ["unknown"]);
    watched.mode = "answers";
    watched.letGo();
    await elsewhere.cameras.pause("ann", null);
    await pass(POLL_MS);
    assertEquals(stream.told, ["unknown", "paused until null"]);
    stream.leave();
    await pass(0);
    assertEquals(clock.pendingTimers, 0);
  }));

Deno.test("orders are kept under their wearer, for as long as they stand [A14]", () =>
  withKv(async (kv) => {
    const { here, clock } = setUp(kv);
    const entries = () => Array.fromAsync(kv.list({ prefix: wearerPrefix("ann") }));
    const sinceMs = clock.epochMs();
    const untilMs = sinceMs + 10_000;
    await here.cameras.pause("ann", untilMs);
    clock.tick(5_000);
    assertEquals(await here.cameras.pause("ann", null), {
      kind: "paused",
      sinceMs,
      untilMs: null,
    });
    const [entry, ...others] = await entries();
    assertEquals(entry?.value, { version: 1, sinceMs, expiresAtMs: null });
    assertEquals([entry?.key, others], [["wearer", "ann", "camera"], []]);
    await here.cameras.unpause("ann");
    await here.cameras.unpause("ann");
    assertEquals([await entries(), await here.cameras.state("ann")], [[], { kind: "on" }]);
    await here.cameras.pause("ann", clock.epochMs() + 1);
    clock.tick(1);
    const again = await here.cameras.pause("ann", null);
    assertEquals(again, { kind: "paused", sinceMs: clock.epochMs(), untilMs: null });
  }));

Deno.test("orders: who is being erased elsewhere is heard of within a second, once [A12]", () =>
  withKv(async (kv) => {
    const { here, watched, clock, pass } = setUp(kv);
    const ended: string[] = [];
    const names = ["ann", "bob", ...Array.from({ length: 25 }, (_, at) => `w${at}`)];
    const whenErasing = (name: string) => here.orders.whenErasing(name, () => ended.push(name));
    const cancels = [...names, "ann"].map(whenErasing);
    whenErasing("ann")();
    const late = await here.stream("bob");
    for (const name of ["ann", "w24"]) await kv.set(erasingKey(name), {});
    watched.mode = "fails";
    await pass(POLL_MS);
    assertEquals(ended, []);
    watched.mode = "answers";
    for (let second = 0; second < 3; second++) await pass(POLL_MS);
    assertEquals(ended.sort(), ["ann", "ann", "w24"]);
    for (const cancel of [...cancels, late.leave]) cancel();
    assertEquals(clock.pendingTimers, 0);
  }));

Deno.test("orders changed here end what is open of a wearer that is being erased, at once [A12]", () =>
  withKv(async (kv) => {
    const { here, pass } = setUp(kv);
    const ended: string[] = [];
    const cancels = ["ann", "bob"].map((name) =>
      here.orders.whenErasing(name, () => ended.push(name))
    );
    await kv.set(erasingKey("ann"), {});
    await here.orders.changed("ann");
    assertEquals(ended, ["ann"]);
    await kv.delete(erasingKey("ann"));
    await here.orders.changed("ann");
    await pass(POLL_MS);
    assertEquals(ended, ["ann"]);
    for (const cancel of cancels) cancel();
  }));

Deno.test("orders of a stream that begins as its wearer is being erased end it at once [A12]", () =>
  withKv(async (kv) => {
    const { here } = setUp(kv);
    await kv.set(erasingKey("ann"), {});
    const asked = await here.orders.ask("ann");
    let ended = 0;
    const cancel = here.orders.whenErasing("ann", () => ended++);
    assertEquals(ended, 0, "not while a stream is put together");
    const leave = here.orders.followCamera(asked, () => {});
    assertEquals(ended, 1);
    cancel();
    leave();
  }));

Deno.test("orders tell the stamp of the rules soon, with each reading, and nothing while KV is away [R4]", () =>
  withKv(async (kv) => {
    const { here, watched, pass } = setUp(kv);
    const told: (string | null)[] = [];
    const cancel = here.orders.followRules("ann", (stamp) => void told.push(stamp));
    await pass(0);
    assertEquals(told, [null]);
    const { versionstamp } = await kv.set(ruleSetKey("ann"), { members: [] });
    await pass(POLL_MS);
    await pass(POLL_MS);
    assertEquals(told.splice(0), [null, versionstamp, versionstamp]);
    watched.mode = "fails";
    await pass(POLL_MS);
    assertEquals(told, []);
    cancel();
  }));

Deno.test("orders that are closed ask no more, and wait until KV has answered", () =>
  withKv(async (kv) => {
    const { here, watched, clock, pass } = setUp(kv);
    const stream = await here.stream("ann");
    await here.cameras.pause("ann", clock.epochMs() + 60_000);
    watched.mode = "held";
    await pass(POLL_MS);
    const asking = here.orders.ask("ann");
    const changing = here.orders.changed("ann");
    await pass(0);
    let isClosed = false;
    const closed = here.orders.close().then(() => isClosed = true);
    assertEquals((await asking).standing, null);
    await changing;
    await pass(0);
    assertEquals([isClosed, clock.pendingTimers], [false, 0]);
    watched.letGo();
    await closed;
    watched.asked.length = 0;
    const late = await here.stream("bob");
    await pass(3 * POLL_MS);
    assertEquals([watched.asked, late.told, clock.pendingTimers], [[], ["unknown"], 0]);
    assertEquals([stream.told.length, here.counters.kvFailures], [2, 0]);
    late.leave();
    stream.leave();
  }));
