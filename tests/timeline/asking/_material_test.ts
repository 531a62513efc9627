import { assert, assertEquals } from "@std/assert";
import { InferenceSlots } from "../../../inference/slots.ts";
import { noopInference } from "../../../inference/noop.ts";
import { UNLIMITED } from "../../../kv/budgets.ts";
import { segmentKey, type SegmentRecord } from "../../../kv/timeline_keys.ts";
import { createLogger } from "../../../log.ts";
import { createAsking } from "../../../timeline/asking/asking.ts";
import type { TimeRange } from "../../../timeline/pages.ts";
import { createSearch } from "../../../timeline/search/search.ts";
import { createFakeClock } from "../../_fake_clock.ts";
import { withKv } from "../../kv/_temp_kv.ts";
import { past } from "./_past.ts";

const NOON_MS = Date.UTC(2026, 0, 1, 12);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const { signal } = new AbortController();
const LOG = createLogger("error", () => {});

/** The segments that an answer would be made from; there is no model. */
async function materialOf(
  kv: Deno.Kv,
  question: string,
  { fromMs = null, toMs = null }: Partial<TimeRange> = {},
  nowMs = NOON_MS + HOUR_MS,
) {
  const clock = createFakeClock(nowMs);
  const ask = createAsking({
    kv,
    clock,
    search: createSearch({ kv, clock }),
    inference: noopInference,
    slots: new InferenceSlots(1),
    budgets: { account: () => UNLIMITED },
    log: LOG,
  });
  const range = { fromMs, toMs };
  const common = { zone: null, identity: null, signal };
  const { segments } = await ask({ ...common, wearer: "ann", question, range });
  return segments;
}

const idsOf = async (...asked: Parameters<typeof materialOf>) =>
  (await materialOf(...asked)).map(({ id }) => id);
const numbered = (count: number, of = "saw") =>
  Array.from({ length: count }, (_, at) => `${of} ${at}`);

Deno.test("materialFor finds by words, wherever in the range, each segment once [T9]", () =>
  withKv(async (kv) => {
    const ann = { wearer: "ann", everyS: 60 };
    const many = Array.from({ length: 9 }, (_, at) => `Keys on table ${at}.`);
    await past(kv, [...many, "A dog."], { ...ann, id: "old", startedAtMs: NOON_MS - 9 * DAY_MS });
    await past(kv, ["A cat."], { ...ann, id: "new", startedAtMs: NOON_MS });
    const found = await idsOf(kv, "Where are my keys?");
    assertEquals(found, Array.from({ length: 9 }, (_, at) => `old.${at}`), "and no filling");
    const fromMs = NOON_MS - 9 * DAY_MS + 3 * 60_000;
    const bounded = await idsOf(kv, "keys", { fromMs, toMs: fromMs + 60_000 });
    assertEquals(bounded, ["old.3"]);
  }));

Deno.test("materialFor names the segment that holds what was found, among others of the time [T9]", () =>
  withKv(async (kv) => {
    const startedAtMs = NOON_MS;
    // Ten segments of three chunks, one of them with keys, and as many without, with no gap between.
    const said = (at: number) => {
      const place = Math.floor(at / 6);
      if (at % 6 > 2) return `A dog runs past ${place} trees by a white fence.`;
      // The last: where it ends, the next segment begins.
      const what = at % 6 === 2 ? "the keys" : "";
      return `A person puts ${what} down on table ${place} by the window of a kitchen in a house.`;
    };
    const captions = Array.from({ length: 60 }, (_, at) => said(at));
    await past(kv, captions, { wearer: "ann", id: "held", startedAtMs });
    for (let at = 0; at < 3; at++) {
      await past(kv, numbered(60, `cat${at}`), { wearer: "ann", id: `other${at}`, startedAtMs });
    }
    const segments = await materialOf(kv, "Where are my keys?");
    assertEquals(
      segments.map(({ id, lastIndex }) => `${id} to ${lastIndex}`),
      Array.from({ length: 10 }, (_, at) => `held.${at * 6} to ${at * 6 + 2}`),
    );
  }));

Deno.test("materialFor reaches into the range from before, and not from behind it [T9]", () =>
  withKv(async (kv) => {
    const same = Array.from({ length: 25 }, () => "Keys on a table.");
    await past(kv, [...same, "A dog."], { wearer: "ann", startedAtMs: NOON_MS });
    const inside = { fromMs: NOON_MS + 10_000, toMs: NOON_MS + 11_000 };
    assertEquals(await idsOf(kv, "keys", inside), ["s1.0"]);
    assertEquals(await idsOf(kv, "what", inside), ["s1.0"]);
    assertEquals(await idsOf(kv, "keys", { fromMs: NOON_MS + 25_000 }), ["s1.25"]);
    assertEquals(await idsOf(kv, "keys", { toMs: NOON_MS }), []);
  }));

Deno.test("materialFor fills up from the last 24 hours where words find little, or there are none [T9]", () =>
  withKv(async (kv) => {
    const ann = { wearer: "ann", everyS: 60 };
    await past(kv, ["Keys once."], { ...ann, id: "keys", startedAtMs: NOON_MS - 9 * DAY_MS });
    await past(kv, ["A cow."], { ...ann, id: "cow", startedAtMs: NOON_MS - 2 * DAY_MS });
    await past(kv, ["A dog.", "A cat."], { ...ann, id: "late", startedAtMs: NOON_MS });
    assertEquals(await idsOf(kv, "Where are my keys?"), ["keys.0", "late.0", "late.1"]);
    assertEquals(await idsOf(kv, "What did I do?"), ["late.0", "late.1"]);
    assertEquals(await idsOf(kv, "¿?x"), ["late.0", "late.1"]);
    const toMs = NOON_MS - 1.5 * DAY_MS;
    assertEquals(await idsOf(kv, "What did I do?", { toMs }), ["cow.0"]);
    assertEquals(await idsOf(kv, "What did I do?", { fromMs: NOON_MS - 3 * DAY_MS }), [
      "cow.0",
      "late.0",
      "late.1",
    ]);
  }));

Deno.test("materialFor thins a stretch evenly, its ends among what is left [T9]", () =>
  withKv(async (kv) => {
    await past(kv, numbered(101), { wearer: "ann", startedAtMs: NOON_MS, everyS: 60 });
    const segments = await materialOf(kv, "What did I do?", {}, NOON_MS + 2 * HOUR_MS);
    const at = segments.map(({ firstIndex }) => firstIndex);
    assertEquals([at.length, at[0], at.at(-1)], [24, 0, 100]);
    const steps = at.slice(1).map((index, before) => index - at[before]!);
    assert(steps.every((step) => step === 4 || step === 5), at.join());
  }));

Deno.test("materialFor shows a stretch of very many segments in outline, its end in detail [T9]", () =>
  withKv(async (kv) => {
    await past(kv, numbered(1_500), { wearer: "ann", startedAtMs: NOON_MS });
    const segments = await materialOf(kv, "What did I do?");
    const at = segments.map(({ firstIndex }) => firstIndex);
    const detailed = at.filter((index) => index >= 1_000);
    assertEquals([at.length, detailed.length, at.at(-1)], [24, 12, 1_499]);
    // Of each twelfth of what lies before the newest 500 the last.
    const expected = Array.from({ length: 12 }, (_, part) => Math.ceil((part + 1) * 1000 / 12) - 1);
    assertEquals(at.slice(0, 12), expected);
    await expire(kv, segments[3]!);
    const left = (await materialOf(kv, "What did I do?")).map(({ firstIndex }) => firstIndex);
    assertEquals(left, at.filter((_, place) => place !== 3));
  }));

Deno.test("materialFor leaves out what is gone [T9]", () =>
  withKv(async (kv) => {
    const captions = ["A dog.", ...numbered(10, "Keys")];
    await past(kv, captions, { wearer: "ann", startedAtMs: NOON_MS, everyS: 60 });
    const segments = await materialOf(kv, "keys");
    assertEquals(segments.length, 10);
    await expire(kv, segments[4]!);
    // Its words are found still; what was before it does not stand for it.
    await kv.delete(segmentKey("ann", segments[0]!));
    const left = segments.filter((_, at) => at !== 0 && at !== 4).map(({ id }) => id);
    assertEquals(await idsOf(kv, "keys"), left);
  }));

/** Lets the time of a segment be over, before KV has taken it out. */
async function expire(kv: Deno.Kv, segment: SegmentRecord): Promise<void> {
  await kv.set(segmentKey("ann", segment), { ...segment, expiresAtMs: NOON_MS });
}
