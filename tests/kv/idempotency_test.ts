import { assert, assertEquals, assertRejects } from "@std/assert";
import { systemClock } from "../../clock.ts";
import {
  type Claim,
  type ClaimOutcome,
  createIdempotencyStore,
  type IdempotencyStore,
  MAX_ANSWER_CHARS,
} from "../../kv/idempotency.ts";
import { POKE_SEND_TTL_MS } from "../../kv/keys.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { dumpKv, withKv, withKvPath } from "./_temp_kv.ts";

const LEASE_MS = 30_000;
const anns = { wearer: "ann", key: "k-1", body: "the door is open", leaseMs: LEASE_MS } as const;
const answer = { status: 200, body: '{"success":true}' } as const;

const createStore = (kv: Deno.Kv) => {
  const clock = createFakeClock();
  return { clock, store: createIdempotencyStore({ kv, clock }) };
};

const claimed = (outcome: ClaimOutcome): Claim => {
  assert(outcome.kind === "claimed", `expected a claim, got ${outcome.kind}`);
  return outcome.claim;
};

const claimOf = async (store: IdempotencyStore) => claimed(await store.claim(anns));

Deno.test("IdempotencyStore.claim replays the answer of the same key and body [P5]", async () => {
  await withKv(async (kv) => {
    const { store } = createStore(kv);
    await store.finish(await claimOf(store), answer);
    assertEquals(await store.claim(anns), { kind: "replay", ...answer });
    assertEquals(await store.claim(anns), { kind: "replay", ...answer });
  });
});

Deno.test("IdempotencyStore.claim refuses the same key with another body [P5]", async () => {
  await withKv(async (kv) => {
    const { store } = createStore(kv);
    const other = { ...anns, body: "the door is shut" };
    const claim = await claimOf(store);
    assertEquals(await store.claim(other), { kind: "conflict" });
    await store.finish(claim, answer);
    assertEquals(await store.claim(other), { kind: "conflict" });
  });
});

Deno.test("IdempotencyStore.claim knows wearers and keys apart [P5]", async () => {
  await withKv(async (kv) => {
    const { store } = createStore(kv);
    await store.finish(await claimOf(store), answer);
    claimed(await store.claim({ ...anns, wearer: "bob" }));
    claimed(await store.claim({ ...anns, key: "k-2" }));
  });
});

Deno.test("IdempotencyStore.claim forgets a send 24 h after it was claimed [P5]", async () => {
  await withKv(async (kv) => {
    const { clock, store } = createStore(kv);
    await store.finish(await claimOf(store), answer);
    clock.tick(POKE_SEND_TTL_MS - 1);
    assertEquals((await store.claim(anns)).kind, "replay");
    clock.tick(1);
    claimed(await store.claim({ ...anns, body: "the door is shut" }));
  });
});

Deno.test("IdempotencyStore.claim gives one claim to many who ask at once [P5]", async () => {
  await withKv(async (kv) => {
    const { store } = createStore(kv);
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => store.claim(anns)));
    const kinds = outcomes.map(({ kind }) => kind).sort();
    assertEquals(kinds, ["claimed", ...Array(9).fill("in_flight")]);
  });
});

Deno.test("IdempotencyStore.claim gives one claim to two connections to one file [P5]", async () => {
  await withKvPath(async (path) => {
    const kvs = [await Deno.openKv(path), await Deno.openKv(path)];
    const stores = kvs.map((kv) => createIdempotencyStore({ kv, clock: systemClock }));
    for (let round = 0; round < 30; round++) {
      const request = { ...anns, key: `k-${round}` };
      const outcomes = await Promise.all(stores.map((store) => store.claim(request)));
      assertEquals(outcomes.map(({ kind }) => kind).sort(), ["claimed", "in_flight"]);
    }
    kvs.forEach((kv) => kv.close());
  });
});

Deno.test("IdempotencyStore.claim never gives out again a send whose lease ran out [P5]", async () => {
  await withKv(async (kv) => {
    const { clock, store } = createStore(kv);
    const claim = await claimOf(store);
    clock.tick(LEASE_MS - 1);
    assertEquals(await store.claim(anns), { kind: "in_flight" });
    clock.tick(1);
    assertEquals(await store.claim(anns), { kind: "unknown" });
    // The sender was slow, not dead: its answer counts after all.
    await store.finish(claim, answer);
    assertEquals(await store.claim(anns), { kind: "replay", ...answer });
  });
});

Deno.test("IdempotencyStore.release lets a repeat send [P5]", async () => {
  await withKv(async (kv) => {
    const { store } = createStore(kv);
    await store.release(await claimOf(store));
    assertEquals(await dumpKv(kv), "[]");
    claimed(await store.claim({ ...anns, body: "the door is shut" }));
  });
});

Deno.test("IdempotencyStore.finish and release touch no claim but their own [P5]", async () => {
  await withKv(async (kv) => {
    const { store } = createStore(kv);
    const released = await claimOf(store);
    await store.release(released);
    const current = await claimOf(store);
    await store.release(released);
    await store.finish(released, { status: 500, body: "stale" });
    assertEquals(await store.claim(anns), { kind: "in_flight" });
    await store.finish(current, answer);
    await store.release(current);
    assertEquals(await store.claim(anns), { kind: "replay", ...answer });
  });
});

Deno.test("IdempotencyStore.claim waits for the one who is sending, and replays [P5]", async () => {
  await withKv(async (kv) => {
    const { clock, store } = createStore(kv);
    const claim = await claimOf(store);
    const waiting = store.claim({ ...anns, waitMs: 10_000 });
    await clock.tickAsync(1000);
    await store.finish(claim, answer);
    assertEquals(await clock.tickUntil(waiting), { kind: "replay", ...answer });
    assertEquals(clock.pendingTimers, 0);
  });
});

Deno.test("IdempotencyStore.claim that waits takes over when the other one releases [P5]", async () => {
  await withKv(async (kv) => {
    const { clock, store } = createStore(kv);
    const claim = await claimOf(store);
    const waiting = store.claim({ ...anns, waitMs: 10_000 });
    await clock.tickAsync(1000);
    await store.release(claim);
    claimed(await clock.tickUntil(waiting));
    assertEquals(clock.pendingTimers, 0);
  });
});

Deno.test("IdempotencyStore.claim waits for waitMs at most and leaves no timer behind", async () => {
  await withKv(async (kv) => {
    const { clock, store } = createStore(kv);
    await claimOf(store);
    const startMs = clock.monotonicMs();
    const outcome = await clock.tickUntil(store.claim({ ...anns, waitMs: 1000 }), 1);
    assertEquals(outcome, { kind: "in_flight" });
    assert(clock.monotonicMs() - startMs >= 1000);
    assertEquals(clock.pendingTimers, 0);
  });
});

Deno.test("IdempotencyStore keeps neither the client's key nor the body readable [A4]", async () => {
  await withKv(async (kv) => {
    const { store } = createStore(kv);
    await store.finish(await claimOf(store), answer);
    const kept = await dumpKv(kv);
    assert(!kept.includes(anns.key) && !kept.includes(anns.body), kept);
  });
});

Deno.test("IdempotencyStore replays the status alone of an answer too long to be kept", async () => {
  await withKv(async (kv) => {
    const { store } = createStore(kv);
    const longest = "中".repeat(MAX_ANSWER_CHARS);
    await store.finish(await claimOf(store), { status: 200, body: longest });
    assertEquals(await store.claim(anns), { kind: "replay", status: 200, body: longest });
    const request = { ...anns, key: "k-2" };
    const body = `${longest}中`;
    await store.finish(claimed(await store.claim(request)), { status: 200, body });
    assertEquals(await store.claim(request), { kind: "replay", status: 200, body: null });
  });
});

Deno.test("IdempotencyStore rejects with KV's own error and gives no claim", async () => {
  const kv = await Deno.openKv(":memory:");
  const { store } = createStore(kv);
  const claim = await claimOf(store);
  kv.close();
  await assertRejects(() => store.claim(anns), Deno.errors.BadResource);
  await assertRejects(() => store.finish(claim, answer), Deno.errors.BadResource);
  await assertRejects(() => store.release(claim), Deno.errors.BadResource);
});
