import { assert, assertEquals, assertRejects } from "@std/assert";
import { createApi } from "../../client/api.ts";
import type { LiveEvent } from "../../client/live.ts";
import { Refused } from "../../client/refused.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { withForesight } from "../_foresight.ts";
import { WeakLine } from "../faults/_weak_line.ts";
import { seen } from "../routes/_timeline.ts";
import { issueToken } from "../routes/_wearers.ts";
import { first, WORD } from "./_glasses.ts";

const NO_JITTER = { random: () => 0 };
const captionOf = (event: LiveEvent) => event.kind === "segment" && event.segment.caption;
const isSegment = ({ kind }: LiveEvent) => kind === "segment";

Deno.test("live says each segment, also what it missed while the network was lost [T6, T7]", () =>
  withForesight({}, async (foresight) => {
    const line = new WeakLine(() => foresight.url);
    const api = createApi({ url: line.url, access: WORD, platform: NO_JITTER });
    const events = api.live();
    await first(events, ({ kind }) => kind === "open");
    // The first thing that is said is where the stream stands.
    await seen(foresight, ["a cat"], { id: "one" });
    const cat = await first(events, isSegment);
    assertEquals(captionOf(cat), "a cat");
    line.cut();
    await first(events, ({ kind }) => kind === "waiting");
    await seen(foresight, ["a dog"], { id: "two" });
    await seen(foresight, ["a bird"], { id: "three" });
    assertEquals(captionOf(await first(events, isSegment)), "a dog");
    assertEquals(captionOf(await first(events, isSegment)), "a bird");
    await events.return!();
    const { position } = cat as Extract<LiveEvent, { kind: "segment" }>;
    const later = api.live({ after: position, zone: "Europe/Berlin" });
    const dog = await first(later, isSegment);
    assert(dog.kind === "segment" && dog.segment.started_at_local !== undefined);
    await later.return!();
    await line.close();
  }));

Deno.test("live stops at once for whoever waits no longer, and is refused by name [A15]", () =>
  withForesight({}, async (foresight) => {
    const events = createApi({ url: foresight.url, access: WORD }).live();
    await first(events, ({ kind }) => kind === "open");
    const waiting = events.next();
    await events.return!();
    assertEquals((await waiting).done, true);
    const { token } = await issueToken(foresight, "ann", ["timeline"]);
    const helper = createApi({ url: foresight.url, access: { kind: "token", token } });
    await assertRejects(() => helper.live().next(), Refused, "scopes must include read or live");
    const api = createApi({ url: foresight.url, access: WORD });
    await assertRejects(() => api.live({ after: "nonsense" }).next(), Refused, "Last-Event-ID");
  }));

Deno.test("live takes a server that says nothing for lost, and backs off as it says", async () => {
  const clock = createFakeClock();
  let asked = 0;
  const silent = (_: unknown, init?: RequestInit) => {
    if (++asked === 2) {
      const headers = { "retry-after": "7" };
      return Promise.resolve(new Response("{}", { status: 503, headers }));
    }
    const body = new ReadableStream({
      start: (controller) =>
        init!.signal!.addEventListener("abort", () => controller.error(init!.signal!.reason)),
    });
    return Promise.resolve(new Response(body));
  };
  const platform = { clock, fetch: silent as typeof fetch, ...NO_JITTER };
  const events = createApi({ url: "http://host", access: WORD, platform }).live();
  assertEquals(await clock.tickUntil(events.next().then(({ value }) => value.kind)), "open");
  const lost = await clock.tickUntil(events.next(), 1_000);
  assertEquals(lost.value, {
    kind: "waiting",
    delayMs: 500,
    reason: "Incomplete: nothing came for 40000 ms",
  });
  const busy = await clock.tickUntil(events.next(), 100);
  assert(busy.value.kind === "waiting" && busy.value.delayMs === 7_000);
  assertEquals((await clock.tickUntil(events.next(), 100)).value.kind, "open");
  await events.return!();
  assertEquals(clock.pendingTimers, 0);
});
