import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { systemClock } from "../../clock.ts";
import { ruleSetKey, type RuleSetRecord } from "../../kv/rule_keys.ts";
import { MAX_ACTIVE_RULES, MAX_RULES } from "../../kv/rule_records.ts";
import type { RuleStore } from "../../rules/store.ts";
import { withKv, withKvPath } from "../kv/_temp_kv.ts";
import type { AddMany } from "./_add_many.ts";
import { added, draft, storeOn } from "./_rules.ts";

/** One thing that somebody does to the rules, through one of the stores. */
interface Step {
  readonly store: number;
  readonly act: "add" | "add disabled" | "enable" | "disable" | "remove";
  readonly rule: number;
}

const STEP = fc.record<Step>({
  store: fc.nat(2),
  act: fc.constantFrom("add", "add", "add disabled", "enable", "enable", "disable", "remove"),
  rule: fc.nat(3),
});

/** Three at once, where there is room for one: chance alone might not bring that. */
const crowd = (act: Step["act"]) => [0, 1, 2].map((store): Step => ({ store, act, rule: store }));
const CROWDS: [[number, number], Step[]][] = [
  [[MAX_ACTIVE_RULES - 1, 4], crowd("add")],
  [[MAX_ACTIVE_RULES - 1, 4], crowd("enable")],
  [[3, MAX_RULES - 4], crowd("add disabled")],
];

async function take(store: RuleStore, { act, rule }: Step): Promise<string> {
  const id = `first${rule + 1}`;
  switch (act) {
    case "add":
      return (await store.add("w", draft())).kind;
    case "add disabled":
      return (await store.add("w", draft({ enabled: false }))).kind;
    case "enable":
    case "disable":
      return (await store.change("w", id, { enabled: act === "enable" })).kind;
    case "remove":
      return (await store.remove("w", id)).kind;
  }
}

/** Some rules, of which the first four are disabled, nearly up to a limit. */
async function prepare(store: RuleStore, enabled: number, disabled: number): Promise<void> {
  for (let count = 0; count < disabled; count++) await added(store, "w", { enabled: false });
  for (let count = 0; count < enabled; count++) await added(store, "w");
}

Deno.test("RuleStore: limits hold, and set and rules agree, whoever does what at once [R3]", async () => {
  const near = fc.constantFrom<[number, number]>([MAX_ACTIVE_RULES - 1, 4], [3, MAX_RULES - 4]);
  const steps = fc.array(STEP, { minLength: 6, maxLength: 14 });
  await fc.assert(
    fc.asyncProperty(near, steps, ([enabled, disabled], steps) =>
      withKv(async (kv) => {
        const names = ["first", "second", "third"];
        const stores = names.map((name) => storeOn(kv, systemClock, name));
        await prepare(stores[0]!, enabled, disabled);
        const kinds = await Promise.all(steps.map((step) => take(stores[step.store]!, step)));
        const rules = await stores[1]!.list("w");
        const active = rules.filter((rule) => rule.enabled);
        assert(active.length <= MAX_ACTIVE_RULES, `${active.length} active`);
        assert(rules.length <= MAX_RULES, `${rules.length} rules`);
        const count = (kind: string) => kinds.filter((one) => one === kind).length;
        assertEquals(rules.length, enabled + disabled + count("added") - count("removed"));
        const set = await kv.get<RuleSetRecord>(ruleSetKey("w"));
        assertEquals(set.value?.members, rules.map(({ id, enabled }) => ({ id, enabled })));
        assertEquals((await stores[2]!.active("w")).rules, active);
      })),
    { numRuns: 25, examples: CROWDS },
  );
});

Deno.test("RuleStore: three processes that add at once leave as many rules as may be [R3]", () =>
  withKvPath(async (path) => {
    // Made before they come: processes that make it at once lock each other out (main.ts waits).
    const kv = await Deno.openKv(path);
    const order: AddMany = { path, wearer: "w", count: 10 };
    const outcomes = await inProcesses(3, order);
    const sum = (kind: string) => outcomes.reduce((all, one) => all + (one[kind] ?? 0), 0);
    assertEquals([sum("added"), sum("full")], [MAX_ACTIVE_RULES, 30 - MAX_ACTIVE_RULES]);
    assertEquals((await storeOn(kv).active("w")).rules.length, MAX_ACTIVE_RULES);
    kv.close();
  }));

/** Runs the order in processes of their own, which begin together; answers what each tells. */
async function inProcesses(count: number, order: AddMany): Promise<Record<string, number>[]> {
  const script = new URL("./_add_many.ts", import.meta.url).pathname;
  const flags = ["run", "--no-prompt", "--unstable-kv", "--allow-read=.", "--allow-write=.scratch"];
  const args = [...flags, script, JSON.stringify(order)];
  const children = Array.from(
    { length: count },
    () =>
      new Deno.Command("deno", { args, stdin: "piped", stdout: "piped", stderr: "inherit" })
        .spawn(),
  );
  const told = children.map(({ stdout }) =>
    stdout.pipeThrough(new TextDecoderStream()).getReader()
  );
  for (const reader of told) assertEquals((await reader.read()).value, "ready\n");
  return await Promise.all(children.map(async (child, index) => {
    await child.stdin.close();
    let text = "";
    for (let read = await told[index]!.read(); !read.done; read = await told[index]!.read()) {
      text += read.value;
    }
    assertEquals((await child.status).code, 0);
    return JSON.parse(text);
  }));
}
