import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  MAX_RUNNING,
  MAX_WAITING,
  SearchGate,
  TooManySearchesError,
} from "../../../timeline/search/gate.ts";

/** A gate, and searches that last until the test ends them. */
function crowd() {
  const gate = new SearchGate();
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const verdicts = new Map<string, string>();
  return {
    gate,
    begun,
    verdicts,
    ask(wearer: string, name: string, left = new AbortController().signal) {
      const search = () => {
        begun.push(name);
        return new Promise<void>((resolve) => ends.set(name, resolve));
      };
      gate.run(wearer, left, search).then(({ kind }) => verdicts.set(name, kind));
    },
    /** Ends the search that has run longest. */
    async endOne() {
      const [name] = ends.keys();
      ends.get(name!)!();
      ends.delete(name!);
      await turns();
    },
  };
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

Deno.test("gate lets a few in, has others wait, and refuses whoever comes behind them", async () => {
  const { gate, ask, begun, verdicts, endOne } = crowd();
  const total = MAX_RUNNING + MAX_WAITING + 3;
  for (let at = 0; at < total; at++) ask("ann", `${at}`);
  await turns();
  assertEquals([begun.length, gate.waiting], [MAX_RUNNING, MAX_WAITING]);
  const refused = Array.from({ length: 3 }, (_, at) => [`${total - 3 + at}`, "full"]);
  assertEquals([...verdicts], refused as [string, string][]);
  for (let at = 0; at < total - 3; at++) await endOne();
  assertEquals(
    begun,
    Array.from({ length: total - 3 }, (_, at) => `${at}`),
    "in the order of asking",
  );
  assertEquals([verdicts.size, gate.waiting], [total, 0]);
});

Deno.test("gate gives a wearer that asks for one its turn before one that asks for many", async () => {
  const { ask, begun, endOne } = crowd();
  for (let at = 0; at < 6; at++) ask("ann", `ann ${at}`);
  ask("ben", "ben 0");
  ask("ben", "ben 1");
  ask("cem", "cem 0");
  await turns();
  for (let at = 0; at < 9; at++) await endOne();
  const order = begun.slice(MAX_RUNNING);
  assertEquals(order.slice(0, 3), ["ben 0", "ann 2", "cem 0"], "of six none goes twice before");
  assert(order.indexOf("ben 1") < order.indexOf("ann 4"), order.join());
  assertEquals(order.length, 7);
});

Deno.test("gate refuses the newest of the longest line where another wearer has fewer", async () => {
  const { gate, ask, begun, verdicts, endOne } = crowd();
  for (let at = 0; at < MAX_RUNNING + MAX_WAITING; at++) ask("ann", `ann ${at}`);
  ask("ben", "ben");
  await turns();
  assertEquals([...verdicts], [[`ann ${MAX_RUNNING + MAX_WAITING - 1}`, "full"]]);
  assertEquals(gate.waiting, MAX_WAITING);
  await endOne();
  assertEquals(begun.at(-1), "ben");
  for (let at = 0; at < MAX_RUNNING + MAX_WAITING - 1; at++) await endOne();
  assertEquals(begun.length, MAX_RUNNING + MAX_WAITING);
});

Deno.test("gate begins no search whose asker has left, and keeps no place for it", async () => {
  const { gate, ask, begun, verdicts, endOne } = crowd();
  for (let at = 0; at < MAX_RUNNING; at++) ask("ann", `running ${at}`);
  const leaving = new AbortController();
  ask("ann", "leaving", leaving.signal);
  ask("ann", "staying");
  await turns();
  assertEquals(gate.waiting, 2);
  leaving.abort();
  ask("ann", "had left", leaving.signal);
  await turns();
  assertEquals([verdicts.get("leaving"), verdicts.get("had left"), gate.waiting], [
    "left",
    "left",
    1,
  ]);
  await endOne();
  assertEquals(begun.slice(MAX_RUNNING), ["staying"]);
  for (let at = 0; at < MAX_RUNNING; at++) await endOne();
  assertEquals(gate.waiting, 0);
});

Deno.test("gate lets the next one in when a search fails", async () => {
  const gate = new SearchGate();
  const { signal } = new AbortController();
  for (let at = 0; at < 2 * MAX_RUNNING; at++) {
    await assertRejects(() => gate.run("ann", signal, () => Promise.reject(new Error("KV"))));
  }
  assertEquals(await gate.run("ann", signal, () => Promise.resolve(1)), { kind: "done", value: 1 });
});

Deno.test("gate guards a search, which waits with the others or is refused", async () => {
  const { gate, ask, endOne } = crowd();
  const guarded = gate.guard(() => Promise.resolve([]));
  const request = { wearer: "ben", words: [], limit: 1, fromMs: 0, toMs: 0 };
  assertEquals(await guarded(request), []);
  for (let at = 0; at < MAX_RUNNING + MAX_WAITING - 1; at++) ask(`wearer ${at}`, `${at}`);
  await turns();
  const waits = guarded(request);
  await turns();
  assertEquals(gate.waiting, MAX_WAITING);
  await assertRejects(() => guarded(request), TooManySearchesError, "Too many search already");
  for (let at = 0; at < MAX_RUNNING + MAX_WAITING - 1; at++) await endOne();
  assertEquals(await waits, []);
});
