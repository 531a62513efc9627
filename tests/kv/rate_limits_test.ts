import { assert, assertEquals, assertGreaterOrEqual, assertRejects } from "@std/assert";
import fc from "fast-check";
import { rateLimitKey, type RateLimitRecord } from "../../kv/ration_keys.ts";
import { createRateLimiter, MAX_RATE_LIMIT } from "../../kv/rate_limits.ts";
import { sha256Hex } from "../../kv/sha256.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { type TakeMany, takeMany, type Taken } from "./_take_many.ts";
import { dumpKv, withKv, withKvPath } from "./_temp_kv.ts";

const HOUR_MS = 3_600_000;
const anns = { wearer: "w", scope: "poke", identity: "ann", limit: 3, windowMs: HOUR_MS } as const;

const createLimiter = (kv: Deno.Kv) => {
  const clock = createFakeClock();
  return { clock, limiter: createRateLimiter({ kv, clock }) };
};

Deno.test("RateLimiter.take lets the limit through and says when the next pass comes free", async () => {
  await withKv(async (kv) => {
    const { clock, limiter } = createLimiter(kv);
    for (const remaining of [2, 1, 0]) {
      assertEquals(await limiter.take(anns), { kind: "allowed", remaining });
      clock.tick(1000);
    }
    const refused = { kind: "limited", retryAfterMs: HOUR_MS - 3000 } as const;
    assertEquals(await limiter.take(anns), refused);
    clock.tick(HOUR_MS - 3001);
    assertEquals(await limiter.take(anns), { kind: "limited", retryAfterMs: 1 });
    clock.tick(1);
    assertEquals(await limiter.take(anns), { kind: "allowed", remaining: 0 });
    assertEquals(await limiter.take(anns), { kind: "limited", retryAfterMs: 1000 });
  });
});

Deno.test("RateLimiter.take counts identities and scopes apart, and stores neither's name", async () => {
  await withKv(async (kv) => {
    const { limiter } = createLimiter(kv);
    const once = { ...anns, limit: 1, identity: "203.0.113.9" };
    for (const request of [once, { ...once, identity: "bob" }, { ...once, scope: "streams" }]) {
      assertEquals((await limiter.take(request as typeof anns)).kind, "allowed");
      assertEquals((await limiter.take(request as typeof anns)).kind, "limited");
    }
    assert(!(await dumpKv(kv)).includes(once.identity));
  });
});

Deno.test("RateLimiter.take with a limit of 0 is off and does not touch KV", async () => {
  const kv = await Deno.openKv(":memory:");
  const { limiter } = createLimiter(kv);
  kv.close();
  const outcome = await limiter.take({ ...anns, limit: 0 });
  assertEquals(outcome, { kind: "allowed", remaining: Infinity });
});

Deno.test("RateLimiter.take fails closed when KV fails", async () => {
  const kv = await Deno.openKv(":memory:");
  const { limiter } = createLimiter(kv);
  kv.close();
  const outcome = await limiter.take(anns);
  assert(outcome.kind === "unavailable" && outcome.retryAfterMs > 0 && outcome.reason !== "");
});

Deno.test("RateLimiter.take writes nothing for a refusal", async () => {
  await withKv(async (kv) => {
    const { limiter } = createLimiter(kv);
    await limiter.take({ ...anns, limit: 1 });
    const before = await kv.get(rateLimitKey("w", "poke", await sha256Hex("ann")));
    assertEquals((await limiter.take({ ...anns, limit: 1 })).kind, "limited");
    assertEquals(await kv.get(before.key), before);
  });
});

Deno.test("RateLimiter.take holds MAX_RATE_LIMIT passes in one value, and refuses limits above", async () => {
  await withKv(async (kv) => {
    const { clock, limiter } = createLimiter(kv);
    const key = rateLimitKey("w", "poke", await sha256Hex("ann"));
    const takenAtMs = Array<number>(MAX_RATE_LIMIT - 1).fill(clock.epochMs() - 0.5);
    await kv.set(key, { version: 1, expiresAtMs: null, takenAtMs } satisfies RateLimitRecord);
    const request = { ...anns, limit: MAX_RATE_LIMIT };
    assertEquals(await limiter.take(request), { kind: "allowed", remaining: 0 });
    assertEquals((await limiter.take(request)).kind, "limited");
    for (const limit of [MAX_RATE_LIMIT + 1, -1, 1.5, NaN]) {
      await assertRejects(
        () => limiter.take({ ...anns, limit }),
        RangeError,
        `from 0 to 5000: current value is ${limit}`,
      );
    }
    await assertRejects(() => limiter.take({ ...anns, windowMs: 0 }), RangeError, "above 0 ms");
  });
});

Deno.test("RateLimiter.take obeys a limit that was lowered", async () => {
  await withKv(async (kv) => {
    const { clock, limiter } = createLimiter(kv);
    for (let i = 0; i < 3; i++) {
      await limiter.take(anns);
      clock.tick(10);
    }
    // Two of the three must leave before a limit of 2 has room.
    const outcome = await limiter.take({ ...anns, limit: 2 });
    assertEquals(outcome, { kind: "limited", retryAfterMs: HOUR_MS - 20 });
  });
});

Deno.test("RateLimiter.take counts passes of a clock that is ahead, until they expire", async () => {
  await withKv(async (kv) => {
    const { clock, limiter } = createLimiter(kv);
    const startMs = clock.epochMs();
    clock.setEpochMs(startMs + 5000);
    for (let i = 0; i < 2; i++) await limiter.take(anns);
    clock.setEpochMs(startMs);
    assertEquals(await limiter.take(anns), { kind: "allowed", remaining: 0 });
    assertEquals(await limiter.take(anns), { kind: "limited", retryAfterMs: HOUR_MS });
    clock.tick(HOUR_MS);
    assertEquals(await limiter.take(anns), { kind: "allowed", remaining: 0 });
    assertEquals(await limiter.take(anns), { kind: "limited", retryAfterMs: 5000 });
  });
});

Deno.test("RateLimiter.take does not lock out for long when a clock was years ahead", async () => {
  await withKv(async (kv) => {
    const { clock, limiter } = createLimiter(kv);
    const startMs = clock.epochMs();
    clock.setEpochMs(startMs + 10_000 * HOUR_MS);
    for (let i = 0; i < 3; i++) await limiter.take(anns);
    clock.setEpochMs(startMs);
    assertEquals(await limiter.take(anns), { kind: "limited", retryAfterMs: HOUR_MS });
    clock.tick(HOUR_MS - 1);
    assertEquals(await limiter.take(anns), { kind: "limited", retryAfterMs: 1 });
    clock.tick(1);
    assertEquals(await limiter.take(anns), { kind: "allowed", remaining: 2 });
  });
});

Deno.test("RateLimiter.take answers as a naive sliding log does", async () => {
  const waits = fc.array(fc.nat({ max: 40 }), { minLength: 1, maxLength: 60 });
  const property = fc.asyncProperty(
    waits,
    fc.integer({ min: 1, max: 6 }),
    fc.integer({ min: 1, max: 100 }),
    (waitsMs, limit, windowMs) =>
      withKv(async (kv) => {
        const { clock, limiter } = createLimiter(kv);
        const givenAtMs: number[] = [];
        for (const waitMs of waitsMs) {
          clock.tick(waitMs);
          const nowMs = clock.epochMs();
          const inWindow = givenAtMs.filter((atMs) => atMs > nowMs - windowMs);
          const expected = inWindow.length < limit
            ? { kind: "allowed" as const, remaining: limit - inWindow.length - 1 }
            : { kind: "limited" as const, retryAfterMs: inWindow[0]! + windowMs - nowMs };
          if (expected.kind === "allowed") givenAtMs.push(nowMs);
          assertEquals(await limiter.take({ ...anns, limit, windowMs }), expected);
        }
      }),
  );
  await fc.assert(property, { numRuns: 60 });
});

Deno.test("RateLimiter.take lets the limit through when asked many times at once", async () => {
  await withKv(async (kv) => {
    const { clock, limiter } = createLimiter(kv);
    const requests = Array.from({ length: 300 }, () => limiter.take({ ...anns, limit: 20 }));
    const outcomes = await Promise.all(requests);
    const remaining = outcomes.flatMap((it) => it.kind === "allowed" ? [it.remaining] : []);
    assertEquals(remaining.sort((a, b) => a - b), Array.from({ length: 20 }, (_, left) => left));
    assert(outcomes.every(({ kind }) => kind !== "unavailable"));
    assertEquals(clock.pendingTimers, 0);
  });
});

Deno.test("RateLimiter.take fails closed when KV answers too late", async () => {
  await withKv(async (kv) => {
    const clock = createFakeClock();
    const epochMs = () => {
      // Read between KV's two answers: the second one comes after the time-out.
      clock.tick(2000);
      return clock.epochMs();
    };
    const limiter = createRateLimiter({ kv, clock: { ...clock, epochMs } });
    assertEquals((await limiter.take(anns)).kind, "unavailable");
  });
});

Deno.test("RateLimiter.take sends away the line when KV does not answer", async () => {
  await withKv(async (kv) => {
    const { clock, limiter } = createLimiter(kv);
    const takes = [limiter.take(anns), limiter.take(anns)];
    clock.tick(2000);
    for (const outcome of await Promise.all(takes)) {
      const reason = "No answer within 2000 ms";
      assertEquals(outcome, { kind: "unavailable", retryAfterMs: 1000, reason });
    }
    // Whoever was sent away has taken no pass.
    assertEquals(await limiter.take(anns), { kind: "allowed", remaining: 2 });
    assertEquals(clock.pendingTimers, 0);
  });
});

Deno.test("RateLimiter.take lets the limit through for two connections to one file", async () => {
  await withKvPath(async (path) => {
    const kvs = [await Deno.openKv(path), await Deno.openKv(path)];
    const order = { identity: "ann", limit: 50, windowMs: HOUR_MS, passes: 51, refusals: 10 };
    const taken = await Promise.all(kvs.map((kv) => takeMany(kv, order)));
    assertEquals(taken.flatMap(({ allowedAtMs }) => allowedAtMs).length, 50);
    kvs.forEach((kv) => kv.close());
  });
});

Deno.test("RateLimiter.take lets no more through in any window for two processes on one file", async () => {
  await withKvPath(async (path) => {
    const rate = { limit: 20, windowMs: 100 };
    const order = { path, identity: "ann", ...rate, passes: 40, refusals: 1e9 };
    const taken = await Promise.all(await startTogether([order, order]));
    const allAtMs = taken.flatMap(({ allowedAtMs }) => allowedAtMs).sort((a, b) => a - b);
    assertEquals(allAtMs.length, 2 * order.passes);
    allAtMs.slice(rate.limit).forEach((atMs, index) =>
      assertGreaterOrEqual(atMs - allAtMs[index]!, rate.windowMs)
    );
  });
});

/** Starts a process for each order, and lets all begin when all are ready. */
async function startTogether(orders: readonly TakeMany[]): Promise<Promise<Taken>[]> {
  const script = new URL("./_take_many.ts", import.meta.url).pathname;
  const flags = ["run", "--no-prompt", "--unstable-kv", "--allow-read=.", "--allow-write=.scratch"];
  const children = orders.map((order) =>
    new Deno.Command("deno", {
      args: [...flags, script, JSON.stringify(order)],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn()
  );
  const lines = children.map(({ stdout }) =>
    stdout.pipeThrough(new TextDecoderStream()).getReader()
  );
  for (const reader of lines) assertEquals((await reader.read()).value, "ready\n");
  return children.map(async (child, index) => {
    await child.stdin.close();
    let told = "";
    for (let read = await lines[index]!.read(); !read.done; read = await lines[index]!.read()) {
      told += read.value;
    }
    assertEquals((await child.status).code, 0);
    return JSON.parse(told) as Taken;
  });
}
