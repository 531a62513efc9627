import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { getEventListeners } from "node:events";
import { DeadlineError, systemClock, withDeadline } from "../clock.ts";
import { createFakeClock } from "./_fake_clock.ts";

/** Work that ends when it is told to, with the reason it was given. */
function obedient(within: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const giveUp = () => reject(within.reason);
    if (within.aborted) giveUp();
    within.addEventListener("abort", giveUp, { once: true });
  });
}

function listenersOf(signal: AbortSignal): number {
  return getEventListeners(signal as unknown as EventTarget, "abort").length;
}

Deno.test("withDeadline answers what the work answers, and leaves nothing behind", async () => {
  const clock = createFakeClock();
  const { signal } = new AbortController();
  let seen: number[] = [];
  const answer = await withDeadline(clock, 100, signal, () => {
    seen = [clock.pendingTimers, listenersOf(signal)];
    return Promise.resolve("done");
  });
  assertEquals([answer, seen], ["done", [1, 1]]);
  assertEquals([clock.pendingTimers, listenersOf(signal)], [0, 0]);
});

Deno.test("withDeadline passes on what the work throws, and leaves nothing behind", async () => {
  const clock = createFakeClock();
  const { signal } = new AbortController();
  const late = () => Promise.reject(new Error("no"));
  const atOnce = () => {
    throw new Error("no");
  };
  for (const work of [late, atOnce]) {
    await assertRejects(() => withDeadline(clock, 100, signal, work), Error, "no");
    assertEquals([clock.pendingTimers, listenersOf(signal)], [0, 0]);
  }
});

Deno.test("withDeadline ends the work when its time is up, and not before", async () => {
  const clock = createFakeClock();
  let ended: unknown = "running";
  const work = withDeadline(clock, 1500, null, obedient).catch((error) => ended = error);
  await clock.tickAsync(1499);
  assertEquals(ended, "running");
  await clock.tickAsync(1);
  await work;
  assertEquals(ended instanceof DeadlineError && ended.timeoutMs, 1500);
  assertEquals((ended as Error).message, "No answer within 1500 ms");
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("withDeadline follows the outer signal, with its reason", async () => {
  const clock = createFakeClock();
  const outer = new AbortController();
  const reason = new Error("the stream ended");
  const work = withDeadline(clock, 100, outer.signal, obedient).catch((error) => error);
  outer.abort(reason);
  assertStrictEquals(await work, reason);
  assertEquals([clock.pendingTimers, listenersOf(outer.signal)], [0, 0]);
});

Deno.test("withDeadline begins with an aborted signal where the outer one is aborted", async () => {
  const clock = createFakeClock();
  const reason = new Error("too late");
  let reasonAtStart: unknown;
  const work = withDeadline(clock, 100, AbortSignal.abort(reason), (within) => {
    reasonAtStart = within.aborted && within.reason;
    return obedient(within);
  });
  assertStrictEquals(await work.catch((error) => error), reason);
  assertStrictEquals(reasonAtStart, reason);
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("withDeadline keeps the reason that came first", async () => {
  const clock = createFakeClock();
  const outer = new AbortController();
  const deaf = Promise.withResolvers<void>();
  let within: AbortSignal | undefined;
  const work = withDeadline(clock, 100, outer.signal, (given) => {
    within = given;
    return deaf.promise;
  });
  clock.tick(100);
  outer.abort(new Error("later"));
  deaf.resolve();
  await work;
  assertEquals(within?.reason instanceof DeadlineError, true);
});

Deno.test("withDeadline of 0 ms never ends the work by itself", async () => {
  const clock = createFakeClock();
  const outer = new AbortController();
  let isOver = false;
  const work = withDeadline(clock, 0, outer.signal, obedient).catch(() => isOver = true);
  assertEquals(clock.pendingTimers, 0);
  await clock.tickAsync(1e9);
  assertEquals(isOver, false);
  outer.abort();
  await work;
});

Deno.test("systemClock.after runs once, or not at all when it was cancelled", async () => {
  const ran: string[] = [];
  const cancelled = systemClock.after(0, () => void ran.push("cancelled"));
  const { promise, resolve } = Promise.withResolvers<void>();
  const late = systemClock.after(1, () => {
    ran.push("ran");
    resolve();
  });
  cancelled();
  await promise;
  late();
  late();
  assertEquals(ran, ["ran"]);
});
