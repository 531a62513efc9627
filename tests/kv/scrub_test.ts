import { DatabaseSync } from "node:sqlite";
import { assert, assertEquals } from "@std/assert";
import { scrubFile } from "../../kv/scrub.ts";
import { rawCount } from "./_raw_file.ts";
import { dumpKv, withKvPath } from "./_temp_kv.ts";

const ANN = "ann saw the green door";
const BOB = "bob saw a dog";

async function each(
  kv: Deno.Kv,
  count: number,
  change: (commit: Deno.AtomicOperation, at: number) => void,
): Promise<void> {
  for (let from = 0; from < count; from += 200) {
    const commit = kv.atomic();
    for (let at = from; at < Math.min(count, from + 200); at++) change(commit, at);
    await commit.commit();
  }
}

/** In an order that leaves pages half full, as SQLite splits them. */
function scattered(at: number, count: number): number {
  return (at * 7_919) % count;
}

Deno.test("scrubFile leaves no byte of what was deleted or overwritten, wherever SQLite had left it [A12]", () =>
  withKvPath(async (path) => {
    const kv = await Deno.openKv(path);
    const long = (at: number) => "x".repeat((at * 37) % 3_000);
    await each(kv, 3_000, (commit, at) => {
      const caption = at % 3 === 0 ? `☕ ${ANN}` : ANN;
      commit.set(["ann", scattered(at, 3_000)], { caption, rest: long(at) });
      commit.set(["open", at % 10], { caption, rest: long(at) });
    });
    await each(kv, 10, (commit, at) => commit.set(["open", at], { caption: "short" }));
    await each(kv, 3_000, (commit, at) => commit.delete(["ann", at]));
    // Pages that held ann's are bob's now, from edge to edge or not.
    await each(kv, 2_000, (commit, at) => {
      commit.set(["bob", scattered(at, 2_000)], { caption: BOB, rest: long(at + 1) });
    });
    await each(kv, 2_000, (commit, at) => at % 4 !== 0 && commit.delete(["bob", at]));
    const before = await dumpKv(kv);
    assert(await rawCount(path, ANN) > 100, "there is something to scrub");
    assertEquals(await scrubFile(path), { kind: "scrubbed" });
    assertEquals(await rawCount(path, ANN), 0);
    assertEquals((await Deno.stat(`${path}-wal`)).size, 0);
    assertEquals(await dumpKv(kv), before);
    assertEquals(await rawCount(path, BOB), 500);
    const { ok } = await kv.atomic().check({ key: ["new"], versionstamp: null }).set(["new"], 1)
      .commit();
    assert(ok, "and KV goes on");
    kv.close();
  }));

Deno.test("scrubFile keeps when a record expires, and its versionstamp [A12]", () =>
  withKvPath(async (path) => {
    const kv = await Deno.openKv(path);
    const known = await kv.set(["a"], new Deno.KvU64(7n), { expireIn: 3_600_000 });
    await scrubFile(path);
    assertEquals(await kv.get(["a"]), {
      key: ["a"],
      value: new Deno.KvU64(7n),
      versionstamp: known.versionstamp,
    });
    const database = new DatabaseSync(path);
    const row = database.prepare("SELECT expiration_ms FROM kv").get();
    database.close();
    assert(Math.abs(Number(row?.expiration_ms) - Date.now() - 3_600_000) < 60_000);
    assert((await kv.atomic().check({ key: ["a"], ...known }).sum(["a"], 1n).commit()).ok);
    kv.close();
  }));
