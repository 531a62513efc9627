import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { CONFLICT, retryContended, wait } from "../../kv/_retry_contended.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { withKv } from "./_temp_kv.ts";

Deno.test("retryContended answers what the first attempt without conflict answers", async () => {
  const clock = createFakeClock();
  let attempts = 0;
  const attempt = () => Promise.resolve(++attempts < 5 ? CONFLICT : attempts);
  assertEquals(await clock.tickUntil(retryContended(clock, "count", attempt)), 5);
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("retryContended repeats at once the first time, so a lost race costs no time", async () => {
  const clock = createFakeClock();
  let attempts = 0;
  const attempt = () => Promise.resolve(++attempts < 2 ? CONFLICT : attempts);
  assertEquals(await retryContended(clock, "count", attempt), 2);
});

Deno.test("retryContended gives up after 4 s and says what could not be done", async () => {
  const clock = createFakeClock();
  const retried = retryContended(clock, "count", () => Promise.resolve(CONFLICT));
  await assertRejects(() => clock.tickUntil(retried, 1), Error, "Cannot count as other writers");
  const tookMs = clock.monotonicMs();
  assert(tookMs >= 4000 && tookMs < 4200, `took ${tookMs} ms`);
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("retryContended does not repeat what failed for another reason than a lock", async () => {
  await withKv(async (kv) => {
    let attempts = 0;
    const write = () => {
      attempts++;
      return kv.set(["key"], "x".repeat(70_000));
    };
    await assertRejects(
      () => retryContended(createFakeClock(), "write", write),
      TypeError,
      "Value too large",
    );
    assertEquals(attempts, 1);
  });
});

// Real locks: `rate_limits_test.ts` and `idempotency_test.ts`, two connections to one file.
Deno.test("retryContended repeats what met a locked database, and throws KV's error in the end", async () => {
  const clock = createFakeClock();
  const locked = new TypeError("database is locked");
  let attempts = 0;
  const attempt = () => ++attempts < 5 ? Promise.reject(locked) : Promise.resolve("written");
  assertEquals(await clock.tickUntil(retryContended(clock, "write", attempt)), "written");
  const never = retryContended(clock, "write", () => Promise.reject(locked));
  assertStrictEquals(await clock.tickUntil(never.catch((error) => error)), locked);
});

Deno.test("wait resolves when its time has come and not before", async () => {
  const clock = createFakeClock();
  let isOver = false;
  const waiting = wait(clock, 50).then(() => isOver = true);
  await clock.tickAsync(49);
  assert(!isOver);
  await clock.tickAsync(1);
  await waiting;
});
