import { assert, assertEquals, assertRejects } from "@std/assert";
import { ruleSetKey } from "../../kv/rule_keys.ts";
import { MAX_ACTIVE_RULES, MAX_RULES } from "../../kv/rule_records.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { FaultyKv } from "../faults/_faulty_kv.ts";
import { withKv } from "../kv/_temp_kv.ts";
import { added, draft, storeOn } from "./_rules.ts";

const ids = (rules: readonly { readonly id: string }[]) => rules.map(({ id }) => id);

Deno.test("RuleStore keeps a rule and gives it again, to its wearer alone [R1, A6]", () =>
  withKv(async (kv) => {
    const clock = createFakeClock();
    const store = storeOn(kv, clock);
    const rule = await added(store, "ann", { name: "Dog" });
    const nowMs = clock.epochMs();
    const kept = { ...draft({ name: "Dog" }), id: "r1", version: 1 };
    assertEquals(rule, { ...kept, createdAtMs: nowMs, changedAtMs: nowMs });
    assertEquals(await store.get("ann", "r1"), rule);
    assertEquals(await store.list("ann"), [rule]);
    for (
      const [wearer, id] of [["anna", "r1"], ["an", "r1"], ["ann", "r2"], ["ann", ""]] as const
    ) {
      assertEquals(await store.get(wearer, id), null);
      assertEquals(await store.change(wearer, id, { name: "x" }), { kind: "unknown" });
      assertEquals(await store.remove(wearer, id), { kind: "unknown" });
    }
    assertEquals(await store.list("anna"), []);
    assertEquals((await store.active("anna")).rules, []);
    assertEquals(await store.list("ann"), [rule]);
  }));

Deno.test("RuleStore.list: in the order in which rules were added, whatever the clock did [R1]", () =>
  withKv(async (kv) => {
    const clock = createFakeClock();
    const first = storeOn(kv, clock, "z");
    const second = storeOn(kv, clock, "a");
    await added(first, "ann");
    clock.setEpochMs(clock.epochMs() - 60_000);
    await added(second, "ann");
    await added(first, "ann", { enabled: false });
    await first.change("ann", "z1", { name: "Again" });
    assertEquals(ids(await second.list("ann")), ["z1", "a1", "z2"]);
    await second.remove("ann", "z1");
    await added(first, "ann");
    assertEquals(ids(await first.list("ann")), ["a1", "z2", "z3"]);
  }));

Deno.test("RuleStore.change: each change raises the version, none leaves it [R3]", () =>
  withKv(async (kv) => {
    const clock = createFakeClock();
    const store = storeOn(kv, clock);
    const rule = await added(store, "ann", { name: "Dog", cooldown_s: 7 });
    clock.tick(50);
    const patch = { then: { message: "Woof" }, cooldown_s: null };
    const changed = await store.change("ann", "r1", patch, 1);
    assert(changed.kind === "changed");
    assertEquals(changed.rule, {
      ...rule,
      then: { ...rule.then, message: "Woof" },
      cooldownS: 300,
      version: 2,
      changedAtMs: rule.createdAtMs + 50,
    });
    assertEquals(await store.get("ann", "r1"), changed.rule);
    for (const same of [{}, { name: "Dog" }, { name: " Dog " }, { then: {} }, { confirm: null }]) {
      assertEquals(await store.change("ann", "r1", same), changed, JSON.stringify(same));
    }
    const late = await store.change("ann", "r1", { name: "Late" }, 1);
    assertEquals(late, { kind: "conflict", current: changed.rule });
    assertEquals(await store.get("ann", "r1"), changed.rule);
  }));

Deno.test("RuleStore.change refuses what would make no good rule, and leaves it as it is [R2]", () =>
  withKv(async (kv) => {
    const store = storeOn(kv);
    const night = { from: "22:00", to: "06:00", zone: "UTC" };
    const rule = await added(store, "ann", { active_hours: night });
    const bad: [patch: unknown, field: string][] = [
      [{ hold_s: 8 * 3_600 }, "hold_s"],
      [{ active_hours: { to: "22:00" } }, "active_hours,to"],
      [{ active_hours: { zone: null } }, "active_hours,zone"],
      [{ when: null }, "when"],
      [{ then: { channel: "webhook" } }, "then,to"],
      [{ id: "r2" }, ""],
      [JSON.parse('{"__proto__": {"enabled": false}}'), ""],
      ["x", ""],
      [null, ""],
      [undefined, ""],
      [[], ""],
    ];
    for (const [patch, field] of bad) {
      const outcome = await store.change("ann", "r1", patch);
      assert(outcome.kind === "invalid", JSON.stringify(patch));
      assertEquals(outcome.error.issues.map(({ path }) => String(path)), [field]);
    }
    assertEquals(await store.list("ann"), [rule]);
  }));

Deno.test("RuleStore.change: what followed from another field follows again [R1]", () =>
  withKv(async (kv) => {
    const store = storeOn(kv);
    await added(store, "ann", { when: "bus 22 comes" });
    const outcome = await store.change("ann", "r1", { when: "my pills", kind: "absent" });
    assert(outcome.kind === "changed");
    assertEquals([outcome.rule.name, outcome.rule.holdS], ["my pills", 600]);
    await added(store, "ann", { when: "bus 22 comes", name: "Bus", hold_s: 5 });
    const named = await store.change("ann", "r2", { when: "my pills", kind: "absent" });
    assert(named.kind === "changed");
    assertEquals([named.rule.name, named.rule.holdS], ["Bus", 5]);
  }));

Deno.test("RuleStore: so many rules are enabled, so many are there, and no more [R3]", () =>
  withKv(async (kv) => {
    const store = storeOn(kv);
    for (let count = 0; count < MAX_ACTIVE_RULES; count++) await added(store, "ann");
    const active = { kind: "full", counts: "active", limit: 20 } as const;
    assertEquals(await store.add("ann", draft()), active);
    for (let count = MAX_ACTIVE_RULES; count < MAX_RULES; count++) {
      await added(store, "ann", { enabled: false });
    }
    const all = { kind: "full", counts: "all", limit: 100 } as const;
    assertEquals(await store.add("ann", draft({ enabled: false })), all);
    assertEquals(await store.change("ann", "r100", { enabled: true }), active);
    assertEquals((await store.change("ann", "r1", { name: "Still enabled" })).kind, "changed");
    assertEquals((await store.change("ann", "r100", { name: "Still not" })).kind, "changed");
    assertEquals((await store.list("ann")).length, 100);
    assertEquals(await store.remove("ann", "r1"), { kind: "removed" });
    assertEquals((await store.change("ann", "r100", { enabled: true })).kind, "changed");
    assertEquals(await store.add("ann", draft()), active);
    await store.change("ann", "r2", { enabled: false });
    await added(store, "ann");
    assertEquals((await store.active("ann")).rules.length, 20);
    await added(store, "bob");
  }));

Deno.test("RuleStore: who has more rules than may be, as the limit was lowered, may still edit them", () =>
  withKv(async (kv) => {
    const store = storeOn(kv);
    await added(store, "ann");
    const others = Array.from(
      { length: MAX_ACTIVE_RULES },
      (_, at) => ({ id: `x${at}`, enabled: true }),
    );
    const members = [{ id: "r1", enabled: true }, ...others];
    await kv.set(ruleSetKey("ann"), { version: 1, expiresAtMs: null, members });
    assertEquals((await store.change("ann", "r1", { name: "Dog" })).kind, "changed");
    assertEquals((await store.change("ann", "r1", { enabled: false })).kind, "changed");
    await store.change("ann", "r1", { enabled: false });
    assertEquals((await store.change("ann", "r1", { enabled: true })).kind, "full");
  }));

Deno.test("RuleStore.active gives the same answer until any store has changed a rule [R3]", () =>
  withKv(async (kv) => {
    const [store, other] = [storeOn(kv), storeOn(kv, createFakeClock(), "o")];
    const none = await store.active("ann");
    assertEquals(none, { stamp: null, rules: [] });
    assert(await store.active("ann", none) === none);
    const changes = [
      () => added(other, "ann", { enabled: false }),
      () => added(other, "ann"),
      () => other.change("ann", "o2", { when: "a cat" }),
      () => other.change("ann", "o1", { enabled: true }),
      () => other.change("ann", "o2", { enabled: false }),
      () => other.remove("ann", "o1"),
    ];
    const expected = [[], ["a dog"], ["a cat"], ["a dog", "a cat"], ["a dog"], []];
    let known = none;
    for (const [index, change] of changes.entries()) {
      await change();
      const next = await store.active("ann", known);
      assert(next !== known && next.stamp !== known.stamp, `change ${index} is noticed`);
      assertEquals(next.rules.map(({ when }) => when), expected[index]);
      assert(await store.active("ann", next) === next);
      known = next;
    }
    await added(other, "bob");
    await other.change("ann", "o2", { enabled: false });
    assert(await store.active("ann", known) === known, "nothing of ann's has changed");
  }));

Deno.test("RuleStore.active: its stamp is never newer than its rules", () =>
  withKv(async (kv) => {
    const other = storeOn(kv);
    await added(other, "ann");
    // Between the two reads of `active` another process changes the rule.
    const between = new Proxy(kv, {
      get(_, name) {
        const member = Reflect.get(kv, name);
        if (name !== "list") return typeof member === "function" ? member.bind(kv) : member;
        return async function* (selector: Deno.KvListSelector) {
          await other.change("ann", "r1", { name: "Meanwhile", enabled: false });
          yield* kv.list(selector);
        };
      },
    });
    const seen = await storeOn(between).active("ann");
    const after = await storeOn(kv).active("ann", seen);
    assert(after !== seen);
    assertEquals(after.rules, []);
  }));

Deno.test("RuleStore: what KV refuses is rejected, and leaves no half of a rule", () =>
  withKv(async (real) => {
    const faulty = new FaultyKv(real);
    const store = storeOn(faulty.kv);
    await added(store, "ann");
    const before = await store.list("ann");
    faulty.failCommits({ kind: "refused" }, 3);
    await assertRejects(() => store.add("ann", draft()));
    await assertRejects(() => store.change("ann", "r1", { name: "x" }));
    await assertRejects(() => store.remove("ann", "r1"));
    assertEquals(await store.list("ann"), before);
    for (const ask of [store.list, store.active]) {
      faulty.failReads(1);
      await assertRejects(() => ask("ann"));
    }
  }));

Deno.test("RuleStore: who asks a KV that hangs is sent away after five seconds", () =>
  withKv(async (kv) => {
    const clock = createFakeClock();
    const hanging = new Proxy(kv, {
      get: (_, name) => name === "get" ? () => new Promise(() => {}) : Reflect.get(kv, name),
    });
    const waiting = assertRejects(
      () => storeOn(hanging, clock).active("ann"),
      Error,
      "No answer within 5000 ms",
    );
    await clock.tickUntil(waiting, 1_000);
    assertEquals(clock.pendingTimers, 0);
  }));

Deno.test("RuleStore: who was sent away writes nothing when KV comes back", () =>
  withKv(async (kv) => {
    const clock = createFakeClock();
    const back = Promise.withResolvers<void>();
    const hanging = new Proxy(kv, {
      get(_, name) {
        if (name === "get") return (key: Deno.KvKey) => back.promise.then(() => kv.get(key));
        const member = Reflect.get(kv, name);
        return typeof member === "function" ? member.bind(kv) : member;
      },
    });
    const store = storeOn(hanging, clock);
    const waiting = [1, 2].map(() => assertRejects(() => store.add("ann", draft())));
    await clock.tickUntil(Promise.all(waiting), 1_000);
    back.resolve();
    // Stands in line behind the two.
    const rule = await clock.tickUntil(added(store, "ann"), 0);
    assertEquals(await store.list("ann"), [rule]);
  }));
