import { assert, assertEquals } from "@std/assert";
import { createIdempotencyStore, type IdempotencyStore } from "../../kv/idempotency.ts";
import { createRateLimiter } from "../../kv/rate_limits.ts";
import type { DeliveryOutcome } from "../../messaging/channel.ts";
import { type SenderDeps, sendOnce, type SendRequest } from "../../messaging/send_once.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { dumpKv, withKv } from "../kv/_temp_kv.ts";

const HOUR_MS = 60 * 60 * 1000;
const LEASE_MS = 20_000;

const DELIVERED: DeliveryOutcome = { kind: "delivered", answer: { id: 7 } };
const REFUSED: DeliveryOutcome = { kind: "failed", cause: "Poke answered 503", retryable: true };
const LOST: DeliveryOutcome = { kind: "uncertain", cause: "the message may have arrived" };

const REQUEST = { wearer: "w", text: "hello", key: "sk-1", idempotencyKey: "k1" };

/** What the caller is told, and gets again. */
function answerTo(outcome: DeliveryOutcome) {
  return outcome.kind === "delivered"
    ? { status: 200, body: JSON.stringify(outcome.answer) }
    : { status: 502, body: outcome.cause };
}

const SENT = { kind: "answered", isReplay: false, status: 200, body: '{"id":7}' } as const;
const AGAIN = { ...SENT, isReplay: true } as const;

interface BenchOptions {
  readonly sendsPerHour?: number;
  /** What becomes of each message, in order; the last stands for all that follow. */
  readonly outcomes?: (DeliveryOutcome | Promise<DeliveryOutcome>)[];
  readonly idempotency?: (real: IdempotencyStore) => IdempotencyStore;
}

/** A sender over real KV, whose channel is the test's. */
function createBench(kv: Deno.Kv, options: BenchOptions = {}) {
  const { sendsPerHour = 30, outcomes = [DELIVERED], idempotency = (real) => real } = options;
  const clock = createFakeClock();
  const left: [text: string, key: string][] = [];
  const notKept: string[] = [];
  const deps: SenderDeps = {
    channel: {
      deliver({ text }, { key }) {
        left.push([text, key]);
        return Promise.resolve(outcomes[Math.min(left.length, outcomes.length) - 1]!);
      },
    },
    rateLimiter: createRateLimiter({ kv, clock }),
    idempotency: idempotency(createIdempotencyStore({ kv, clock })),
    sendsPerHour,
    answerNotKept: (reason) => void notKept.push(reason),
    answerTo,
  };
  // Time stands still while KV works: only the test moves it.
  const send = (request: Partial<SendRequest> = {}) => sendOnce(deps, { ...REQUEST, ...request });
  /** Begins to send, and resolves when the message has left; the outcome is still to come. */
  const begin = async () => {
    const outcome = send();
    while (left.length === 0) await clock.tickAsync(0);
    return { outcome };
  };
  return { clock, left, notKept, send, begin };
}

Deno.test("sendOnce sends, and answers a repeat without sending [P5]", () =>
  withKv(async (kv) => {
    const { send, left } = createBench(kv);
    assertEquals([await send(), await send()], [SENT, AGAIN]);
    assertEquals(left, [["hello", "sk-1"]]);
  }));

Deno.test("sendOnce without an Idempotency-Key sends every time, and remembers nothing", () =>
  withKv(async (kv) => {
    const { send, left } = createBench(kv);
    const idempotencyKey = null;
    assertEquals([await send({ idempotencyKey }), await send({ idempotencyKey })], [SENT, SENT]);
    assertEquals(left.length, 2);
    assert(!(await dumpKv(kv)).includes("poke_send"));
  }));

Deno.test("sendOnce looks for a repeat before it counts: repeats use up no pass [P5]", () =>
  withKv(async (kv) => {
    const { send, left } = createBench(kv, { sendsPerHour: 2 });
    for (let turn = 0; turn < 5; turn++) assertEquals((await send()).kind, "answered");
    assertEquals(await send({ idempotencyKey: "k2" }), SENT);
    assertEquals((await send({ idempotencyKey: "k3" })).kind, "limited");
    assertEquals(await send(), AGAIN, "a repeat is answered though the passes are used up");
    assertEquals(left.length, 2);
  }));

Deno.test("sendOnce lets a key go that was limited, so that it may send when there is a pass", () =>
  withKv(async (kv) => {
    const { clock, send, left } = createBench(kv, { sendsPerHour: 1 });
    await send({ idempotencyKey: null });
    const limited = await send();
    assert(limited.kind === "limited" && limited.retryAfterMs > HOUR_MS - 1000);
    assertEquals((await send()).kind, "limited", "nor is it taken to be in flight");
    clock.tick(limited.retryAfterMs);
    assertEquals([await send(), left.length], [SENT, 2]);
  }));

Deno.test("sendOnce counts for each wearer and key, and without a limit where it is 0", () =>
  withKv(async (kv) => {
    const idempotencyKey = null;
    const { send } = createBench(kv, { sendsPerHour: 1 });
    assertEquals((await send({ idempotencyKey })).kind, "answered");
    assertEquals((await send({ idempotencyKey })).kind, "limited");
    assertEquals((await send({ idempotencyKey, key: "sk-2" })).kind, "answered");
    assertEquals((await send({ idempotencyKey, wearer: "v" })).kind, "answered");
    const free = createBench(kv, { sendsPerHour: 0 });
    for (let turn = 0; turn < 50; turn++) assertEquals(await free.send({ idempotencyKey }), SENT);
  }));

Deno.test("sendOnce may send again under a key whose message certainly did not arrive [P5]", () =>
  withKv(async (kv) => {
    const { send, left } = createBench(kv, { outcomes: [REFUSED, DELIVERED] });
    const refused = { ...SENT, status: 502, body: "Poke answered 503" };
    assertEquals([await send(), await send(), await send()], [refused, SENT, AGAIN]);
    assertEquals(left.length, 2);
  }));

Deno.test("sendOnce never repeats what may have arrived, and answers the same [P5]", () =>
  withKv(async (kv) => {
    const { clock, send, left } = createBench(kv, { outcomes: [LOST, DELIVERED] });
    const lost = { ...SENT, status: 502, body: "the message may have arrived" };
    assertEquals(await send(), lost);
    clock.tick(2 * LEASE_MS);
    assertEquals(await send(), { ...lost, isReplay: true });
    assertEquals(left.length, 1);
  }));

Deno.test("sendOnce takes another text or another receiver under one key for a mistake [P5]", () =>
  withKv(async (kv) => {
    const { send, left } = createBench(kv);
    await send();
    assertEquals(await send({ text: "good bye" }), { kind: "conflict" });
    assertEquals(await send({ key: "sk-2" }), { kind: "conflict" });
    assertEquals(await send({ wearer: "v" }), SENT, "another wearer's keys are another matter");
    assertEquals(left.length, 2);
  }));

Deno.test("sendOnce makes who repeats too early wait for the answer, 20 s at most [P5]", () =>
  withKv(async (kv) => {
    const { promise, resolve } = Promise.withResolvers<DeliveryOutcome>();
    const { clock, begin, send, left } = createBench(kv, { outcomes: [promise] });
    const first = await begin();
    const startMs = clock.monotonicMs();
    assertEquals(await clock.tickUntil(send(), 100), { kind: "unknown" });
    assert(clock.monotonicMs() - startMs >= LEASE_MS);
    resolve(DELIVERED);
    assertEquals([await first.outcome, await send()], [SENT, AGAIN]);
    assertEquals([left.length, clock.pendingTimers], [1, 0]);
  }));

Deno.test("sendOnce answers repeats that wait as soon as the first has its answer [P5]", () =>
  withKv(async (kv) => {
    const { promise, resolve } = Promise.withResolvers<DeliveryOutcome>();
    const { clock, begin, send, left } = createBench(kv, { outcomes: [promise] });
    const first = await begin();
    const repeats = Promise.all([send(), send()]);
    await clock.tickAsync(1000);
    resolve(DELIVERED);
    assertEquals(await first.outcome, SENT);
    assertEquals(await clock.tickUntil(repeats), [AGAIN, AGAIN]);
    assertEquals([left.length, clock.pendingTimers], [1, 0]);
  }));

Deno.test("sendOnce sends nothing where KV cannot say whether it may", async () => {
  const kv = await Deno.openKv(":memory:");
  kv.close();
  const { send, left } = createBench(kv);
  for (const idempotencyKey of ["k1", null]) {
    const outcome = await send({ idempotencyKey });
    assert(outcome.kind === "unavailable" && outcome.reason !== "", JSON.stringify(outcome));
  }
  assertEquals(left, []);
});

Deno.test("sendOnce passes the answer on though KV does not take it, and never sends again [P5]", () =>
  withKv(async (kv) => {
    const forgetful = (real: IdempotencyStore): IdempotencyStore => ({
      claim: (request) => real.claim(request),
      finish: () => Promise.reject(new Error("database is full")),
      release: () => Promise.reject(new Error("database is full")),
    });
    const { clock, send, left } = createBench(kv, { idempotency: forgetful });
    assertEquals(await send(), SENT);
    clock.tick(LEASE_MS);
    assertEquals([await send(), left.length], [{ kind: "unknown" }, 1]);
  }));

Deno.test("sendOnce leaves neither text nor keys in KV [A4]", () =>
  withKv(async (kv) => {
    const { send } = createBench(kv);
    await send({ text: "a private message", key: "sk-do-not-tell", idempotencyKey: "my-own-key" });
    const stored = await dumpKv(kv);
    for (const secret of ["private", "do-not-tell", "my-own"]) assert(!stored.includes(secret));
  }));

Deno.test("sendOnce answers its caller though KV does not take the answer, and says so [P5]", () =>
  withKv(async (kv) => {
    const idempotency = (real: IdempotencyStore): IdempotencyStore => ({
      claim: (request) => real.claim(request),
      release: (claim) => real.release(claim),
      finish: () => Promise.reject(new Error("KV is gone")),
    });
    const { send, left, notKept } = createBench(kv, { idempotency });
    const outcome = await send({ idempotencyKey: "k1" });
    assertEquals([outcome.kind, left.length, notKept], ["answered", 1, ["KV is gone"]]);
  }));
