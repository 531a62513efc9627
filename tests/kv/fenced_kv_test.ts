import { assert, assertEquals, assertRejects } from "@std/assert";
import { erasingKey } from "../../kv/erasing_keys.ts";
import { fencedKv, WearerErasingError } from "../../kv/fenced_kv.ts";
import { wearersIn } from "../../kv/wearers.ts";
import { withKv } from "./_temp_kv.ts";

const key = (wearer: string) => ["wearer", wearer, "x"];

Deno.test("fencedKv writes nothing of a wearer who is being erased, in whatever way, and all of others [A12]", () =>
  withKv(async (real) => {
    const kv = fencedKv(real);
    await kv.set(key("ann"), new Deno.KvU64(1n));
    await kv.set(erasingKey("ann"), {});
    const count = new Deno.KvU64(1n);
    const ways: ((operation: Deno.AtomicOperation) => Deno.AtomicOperation)[] = [
      (operation) => operation.set(key("ann"), 2),
      (operation) => operation.sum(key("ann"), 1n),
      (operation) => operation.max(key("ann"), 9n),
      (operation) => operation.min(key("ann"), 0n),
      (operation) => operation.set(key("bob"), 1).set([...key("ann"), kv.commitVersionstamp()], 2),
      (operation) => operation.mutate({ type: "set", key: key("ann"), value: 2 }),
      (operation) => operation.mutate({ type: "sum", key: key("ann"), value: count }),
    ];
    for (const way of ways) {
      await assertRejects(() => way(kv.atomic()).commit(), WearerErasingError);
    }
    await assertRejects(() => kv.set(key("ann"), 2), WearerErasingError);
    assertEquals((await kv.get(key("bob"))).value, null);
    assertEquals((await kv.get(key("ann"))).value, count);
    assert((await kv.atomic().delete(key("ann")).commit()).ok);
    assert((await kv.atomic().set(key("bob"), 1).set(["elsewhere"], 1).commit()).ok);
    await kv.delete(erasingKey("ann"));
    assert((await kv.set(key("ann"), 3)).ok);
  }));

Deno.test("fencedKv says of a check that fails what KV says, and erasing or not [A12]", () =>
  withKv(async (real) => {
    const kv = fencedKv(real);
    await kv.set(key("ann"), 1);
    const taken = { key: key("ann"), versionstamp: null };
    const attempt = () => kv.atomic().check(taken).set(key("ann"), 2).commit();
    assertEquals(await attempt(), { ok: false });
    await real.set(erasingKey("ann"), {});
    await assertRejects(attempt, WearerErasingError);
    assertEquals((await kv.get(key("ann"))).value, 1);
    assertEquals((await Array.fromAsync(kv.list({ prefix: ["wearer", "ann"] }))).length, 2);
  }));

Deno.test("wearersIn names each wearer once, whatever there is of it", () =>
  withKv(async (kv) => {
    const names = ["-", "A", "an", "ann", "ann.", "ann-2", "ann2", "bob", "default", "zoë"];
    for (const name of names) {
      for (const rest of ["a", "z", 1, true, new Uint8Array([255])]) {
        await kv.set(["wearer", name, rest, "deep"], 1);
      }
    }
    await kv.set(["other", "x"], 1);
    assertEquals((await Array.fromAsync(wearersIn(kv))).sort(), names.sort());
  }));
