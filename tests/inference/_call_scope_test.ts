import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { getEventListeners } from "node:events";
import { callWithin, type Rpc, type RpcClient, scoped } from "../../inference/_call_scope.ts";
import { createFakeClock } from "../_fake_clock.ts";

const REASON = new Error("the stream ended");
const METHODS = ["authTokenGet", "functionGet", "functionMap", "functionGetOutputs"] as const;

/** One RPC under way; the test answers it. */
interface Asked {
  readonly method: string;
  readonly request: Record<string, unknown>;
  readonly signal: AbortSignal | undefined;
  answer(response: Record<string, unknown>): void;
  fail(error: Error): void;
}

/** A transport whose answers the test gives, seen through {@link scoped}. It obeys its signals. */
function createBench() {
  const clock = createFakeClock();
  const asked: Asked[] = [];
  let lingering = 0;
  const rpc = (method: string): Rpc => (request, { signal } = {}) => {
    const { promise, resolve, reject } = Promise.withResolvers<Record<string, unknown>>();
    asked.push({ method, request, signal, answer: resolve, fail: reject });
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
    return promise;
  };
  const names = [...METHODS, "functionCallCancel"];
  const transport = Object.fromEntries(names.map((name) => [name, rpc(name)]));
  const client = scoped(transport, clock, (call) => {
    lingering++;
    const left = () => void lingering--;
    call.then(left, left);
  }) as Record<typeof METHODS[number], Rpc> & RpcClient;
  return {
    clock,
    client,
    asked,
    /** The methods that were called, in order. */
    made: () => asked.map(({ method }) => method),
    lingering: () => lingering,
    /** Lets promises run that are settled already. */
    settle: () => clock.tickAsync(0),
  };
}

function listenersOf(signal: AbortSignal): number {
  return getEventListeners(signal as unknown as EventTarget, "abort").length;
}

Deno.test("callWithin answers what the call answers, and lets go of the signal", async () => {
  const { signal } = new AbortController();
  assertEquals(await callWithin(signal, () => Promise.resolve("done")), "done");
  await assertRejects(() => callWithin(signal, () => Promise.reject(new Error("no"))), Error, "no");
  assertEquals(listenersOf(signal), 0);
});

Deno.test("callWithin ends with the signal's reason, though the call never calls back", async () => {
  const leaving = new AbortController();
  const call = callWithin(leaving.signal, () => new Promise(() => {})).catch((error) => error);
  leaving.abort(REASON);
  assertStrictEquals(await call, REASON);
  assertEquals(listenersOf(leaving.signal), 0);
});

Deno.test("callWithin begins nothing under a signal that is aborted", async () => {
  let begun = 0;
  const begin = () => Promise.resolve(++begun);
  const error = await callWithin(AbortSignal.abort(REASON), begin).catch((error) => error);
  assertStrictEquals(error, REASON);
  assertEquals(begun, 0);
});

Deno.test("scoped gives each RPC the signal of whoever made it, also after a wait", async () => {
  const { client, asked, settle } = createBench();
  const callers = [new AbortController(), new AbortController()];
  const calls = callers.map(({ signal }, caller) =>
    callWithin(signal, async () => {
      await client.functionGet({ caller });
      await Promise.resolve();
      return await client.functionGetOutputs({ caller });
    })
  );
  await settle();
  asked.slice(0, 2).forEach(({ answer }) => answer({}));
  await settle();
  assertEquals(asked.length, 4);
  for (const { request, signal } of asked) {
    assertStrictEquals(signal, callers[Number(request.caller)]!.signal);
  }
  asked.slice(2).forEach(({ answer, request }) => answer(request));
  assertEquals(await Promise.all(calls), [{ caller: 0 }, { caller: 1 }]);
});

Deno.test("scoped keeps a caller's signal from what all callers share", async () => {
  const { client, asked, settle } = createBench();
  const leaving = new AbortController();
  const call = callWithin(leaving.signal, () => client.authTokenGet({})).catch((error) => error);
  await settle();
  assertEquals(asked[0]?.signal, undefined);
  leaving.abort(REASON);
  assertStrictEquals(await call, REASON);
  asked[0]!.answer({ token: "t" });
});

Deno.test("scoped leaves RPCs outside of any scope as they are", async () => {
  const { client, asked, lingering, settle } = createBench();
  const { signal } = new AbortController();
  const calls = [client.functionGet({}, { signal }), client.functionMap({})];
  await settle();
  assertStrictEquals(asked[0]?.signal, signal);
  assertEquals([asked[1]?.signal, lingering()], [undefined, 0]);
  asked.forEach(({ answer }) => answer({}));
  await Promise.all(calls);
});

Deno.test("scoped offers the transport's methods and no others, each the same every time", () => {
  const { client } = createBench();
  assertStrictEquals(client.functionGet, client.functionGet);
  assertEquals(client.then, undefined);
  assertEquals(client.functionBind, undefined);
  assertEquals(Reflect.get(client, Symbol.iterator), undefined);
});

Deno.test("scoped tells Modal to stop a call that its caller gives up, once", async () => {
  const { client, clock, asked, made, lingering, settle } = createBench();
  const leaving = new AbortController();
  const call = callWithin(leaving.signal, async () => {
    const { functionCallId } = await client.functionMap({});
    return await client.functionGetOutputs({ functionCallId });
  }).catch((error) => error);
  await settle();
  asked[0]!.answer({ functionCallId: "fc-1" });
  await settle();
  assertEquals([made(), lingering()], [["functionMap", "functionGetOutputs"], 0]);
  leaving.abort(REASON);
  assertStrictEquals(await call, REASON);
  await settle();
  assertEquals(made().slice(2), ["functionCallCancel"]);
  assertEquals([asked[2]!.request, lingering()], [{ functionCallId: "fc-1" }, 1]);
  asked[2]!.answer({});
  await settle();
  assertEquals([lingering(), clock.pendingTimers, listenersOf(leaving.signal)], [0, 0, 0]);
});

Deno.test("scoped cancels a start that outlives its caller, once its id is known", async () => {
  const { client, clock, asked, made, lingering, settle } = createBench();
  const leaving = new AbortController();
  const call = callWithin(leaving.signal, () => client.functionMap({})).catch((error) => error);
  await settle();
  leaving.abort(REASON);
  assertStrictEquals(await call, REASON, "the caller need not wait for it");
  await clock.tickAsync(4999);
  assertEquals([made(), asked[0]!.signal?.aborted, lingering()], [["functionMap"], false, 1]);
  asked[0]!.answer({ functionCallId: "fc-late" });
  await settle();
  assertEquals([made()[1], asked[1]?.request.functionCallId], ["functionCallCancel", "fc-late"]);
  asked[1]!.answer({});
  await settle();
  assertEquals([lingering(), clock.pendingTimers, listenersOf(leaving.signal)], [0, 0, 0]);
});

Deno.test("scoped gives a start that nobody waits for 5 s, then ends it with the reason", async () => {
  const { client, clock, asked, made, lingering, settle } = createBench();
  const leaving = new AbortController();
  const call = callWithin(leaving.signal, () => client.functionMap({})).catch((error) => error);
  await settle();
  leaving.abort(REASON);
  await call;
  await clock.tickAsync(5000);
  assertStrictEquals(asked[0]!.signal?.reason, REASON);
  assertEquals([made(), lingering(), clock.pendingTimers], [["functionMap"], 0, 0]);
});

Deno.test("scoped passes on why a start failed, and has nothing to cancel then", async () => {
  const { client, clock, asked, made, lingering, settle } = createBench();
  const leaving = new AbortController();
  const call = callWithin(leaving.signal, () => client.functionMap({}));
  await settle();
  asked[0]!.fail(new Error("refused"));
  await assertRejects(() => call, Error, "refused");
  leaving.abort(REASON);
  await settle();
  assertEquals([made(), lingering(), clock.pendingTimers], [["functionMap"], 0, 0]);
});

Deno.test("scoped cancels nothing of a call that has its answer", async () => {
  const { client, asked, made, lingering, settle } = createBench();
  const leaving = new AbortController();
  const call = callWithin(leaving.signal, () => client.functionMap({}));
  await settle();
  asked[0]!.answer({ functionCallId: "fc-1" });
  await call;
  leaving.abort(REASON);
  await settle();
  assertEquals([made(), lingering()], [["functionMap"], 0]);
});

Deno.test("scoped gives a cancellation 5 s, and does not mind if it fails", async () => {
  for (const doesFail of [false, true]) {
    const { client, clock, asked, made, lingering, settle } = createBench();
    const leaving = new AbortController();
    const call = callWithin(leaving.signal, async () => {
      await client.functionMap({});
      return await client.functionGetOutputs({});
    }).catch((error) => error);
    await settle();
    asked[0]!.answer({ functionCallId: "fc-1" });
    await settle();
    leaving.abort(REASON);
    assertStrictEquals(await call, REASON);
    await settle();
    assertEquals([made()[2], asked[2]!.signal?.aborted], ["functionCallCancel", false]);
    if (doesFail) asked[2]!.fail(new Error("unavailable"));
    else await clock.tickAsync(5000);
    await settle();
    assertEquals([lingering(), clock.pendingTimers], [0, 0]);
  }
});
