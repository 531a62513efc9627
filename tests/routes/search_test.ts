import { assert, assertEquals } from "@std/assert";
import { connectGlasses } from "../../dev/glasses.ts";
import { FaultyKv } from "../faults/_faulty_kv.ts";
import { MAX_RUNNING, MAX_WAITING } from "../../timeline/search/gate.ts";
import { MAGIC_WORD, type TestForesight, withForesight } from "../_foresight.ts";
import { withKv } from "../kv/_temp_kv.ts";
import { frame, withModal } from "./_vision.ts";

async function search({ fetch }: Pick<TestForesight, "fetch">, query: string) {
  const response = await fetch(`/timeline/search?${query}`);
  return { status: response.status, body: await response.json() };
}

Deno.test("GET /timeline/search finds what the glasses saw", () =>
  withModal({}, async (foresight) => {
    const glasses = await connectGlasses(foresight.url, { magicWord: MAGIC_WORD });
    glasses.send(frame(42));
    await glasses.heard((ack) => "caption" in ack);
    await glasses.leave();
    await foresight.streams.drain();
    const { status, body } = await search(foresight, "q=what+was+it+that+I+SAW+42&limit=5");
    assertEquals([status, body.hits.length], [200, 1]);
    const [hit] = body.hits;
    assertEquals([hit.caption, hit.chunks], ["saw 42 after ", { first: 0, last: 0 }]);
    assertEquals(hit.matched, [
      { word: "SAW", from: 0, to: 3 },
      { word: "42", from: 4, to: 6 },
    ]);
    assert(Math.abs(Date.parse(hit.started_at) - Date.now()) < 60_000);
    assertEquals((await search(foresight, "q=saw&from=2020-01-01T00:00:00Z")).body.hits.length, 1);
    assertEquals((await search(foresight, "q=saw&to=2020-01-01T00:00:00Z")).body.hits, []);
  }));

Deno.test("GET /timeline/search says what is wrong with a query [H2]", () =>
  withForesight({}, async (foresight) => {
    const expected: [query: string, detail: string][] = [
      ["", "q must be given: current value is missing"],
      [
        `q=${"x".repeat(10_240)}`,
        "q must be at most 500 characters: current value is a text of 10240 characters",
      ],
      [
        "q=",
        'q must have a word to look for, beside words such as where and did: current value is ""',
      ],
      [
        "q=%2B-%26%7C%21%28%29*%22",
        'q must have a word to look for, beside words such as where and did: current value is "+-&|!()*\\""',
      ],
      [
        "q=AND+OR+NOT",
        'q must have a word to look for, beside words such as where and did: current value is "AND OR NOT"',
      ],
      [
        `q=${Array.from({ length: 17 }, (_, at) => `w${at}`).join("+")}`,
        'q must have at most 16 words to look for: current value is "w0 w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11 w12 w13 w14 w15 w16"',
      ],
      ["q=cup&limit=0", 'limit must be a whole number from 1 to 100: current value is "0"'],
      ["q=cup&limit=1e9", 'limit must be a whole number from 1 to 100: current value is "1e9"'],
      [
        "q=cup&from=yesterday",
        'from must be an instant such as 2026-11-20T16:00:00Z: current value is "yesterday"',
      ],
      [
        "q=cup&from=2026-11-20T16:00:00Z&to=2026-11-19T16:00:00Z",
        'from must be before to (2026-11-19T16:00:00Z): current value is "2026-11-20T16:00:00Z"',
      ],
    ];
    for (const [query, detail] of expected) {
      assertEquals(await search(foresight, query), { status: 422, body: { detail } });
    }
  }));

Deno.test("GET /timeline/search answers odd text without an error", () =>
  withForesight({}, async (foresight) => {
    for (
      const q of [
        "cup%00%0A%09~",
        "%ff%fe cup",
        "%ED%A0%80cup",
        "\u202ecup",
        "a".repeat(500),
        "%",
        "cup\tkey",
      ]
    ) {
      const { status, body } = await search(
        foresight,
        `q=${q.includes("%") ? q : encodeURIComponent(q)}`,
      );
      assert(status === 200 || status === 422, `${q}: ${status} ${JSON.stringify(body)}`);
    }
    const refused = await fetch(`${foresight.url}/timeline/search?q=cup`);
    assertEquals([refused.status, await refused.text()], [403, "forbidden"]);
  }));

/** A KV that lists nothing before it is told to; who searches waits meanwhile. */
function slowKv(kv: Deno.Kv) {
  const { promise: told, resolve: goOn } = Promise.withResolvers<void>();
  const counts = { now: 0, most: 0, all: 0 };
  async function* list(...args: Parameters<Deno.Kv["list"]>) {
    counts.all++;
    counts.most = Math.max(counts.most, ++counts.now);
    await told;
    counts.now--;
    yield* kv.list(...args);
  }
  const slow = new Proxy(kv, {
    get(target, name) {
      if (name === "list") return list;
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { kv: slow, counts, goOn };
}

Deno.test("GET /timeline/search runs few at once, and answers 503 to who comes behind [H2]", () =>
  withKv(async (kv) => {
    const slow = slowKv(kv);
    await withForesight({}, async ({ fetch }) => {
      const enough = Promise.withResolvers<void>();
      const room = MAX_RUNNING + MAX_WAITING;
      const answers: Record<number, unknown[]> = { 200: [], 503: [] };
      const asked = Array.from({ length: room + 5 }, async () => {
        const response = await fetch("/timeline/search?q=cup");
        const answered = answers[response.status]!;
        answered.push([response.headers.get("retry-after"), await response.json()]);
        if (response.status === 503 && answered.length === 5) enough.resolve();
      });
      await enough.promise;
      slow.goOn();
      await Promise.all(asked);
      assertEquals(answers[200], Array(room).fill([null, { hits: [] }]));
      assertEquals(answers[503], Array(5).fill(["2", { detail: "Too many search already" }]));
      assertEquals([slow.counts.most, slow.counts.all], [MAX_RUNNING, room]);
    }, { kv: slow.kv });
  }));

Deno.test("POST /ask and assistants search in turn with all others [H2]", () =>
  withKv(async (kv) => {
    const slow = slowKv(kv);
    await withForesight({}, async ({ fetch }) => {
      const begun = Array.from({ length: MAX_RUNNING }, () => search({ fetch }, "q=cup"));
      await until(() => slow.counts.now === MAX_RUNNING);
      // More than there is room for: some are refused, and with them all that come behind.
      let refused = 0;
      const more = Array.from({ length: MAX_WAITING + 1 }, async () => {
        if ((await search({ fetch }, "q=cup")).status === 503) refused++;
      });
      await until(() => refused === 1);
      const question = JSON.stringify({ question: "Where is the cup?" });
      const asked = await fetch("/ask", {
        method: "POST",
        body: question,
        signal: AbortSignal.timeout(10_000),
      });
      assertEquals([asked.status, await asked.json()], [503, {
        detail: "Too many search already",
      }]);
      const { kv_failures } = await (await fetch("/health")).json();
      assertEquals(kv_failures, 0);
      slow.goOn();
      await Promise.all([...begun, ...more]);
    }, { kv: slow.kv });
  }));

for (const transport of ["ws", "native"]) {
  Deno.test(`GET /timeline/search looks for nothing whose asker has left (${transport})`, () =>
    withKv(async (kv) => {
      const slow = slowKv(kv);
      await withForesight({ SOCKET_TRANSPORT: transport }, async ({ fetch, logged }) => {
        const leaving = new AbortController();
        const ask = (init?: RequestInit) =>
          fetch("/timeline/search?q=cup", init).then((response) => response.text(), () => {});
        const answered = (code: number) => logged.filter(({ status }) => status === code).length;
        const running = Array.from({ length: MAX_RUNNING }, () => ask());
        await until(() => slow.counts.now === MAX_RUNNING);
        const { signal } = leaving;
        const left = Array.from({ length: MAX_WAITING + 1 }, () => ask({ signal }));
        await until(() => answered(503) === 1);
        leaving.abort();
        await until(() => answered(499) === MAX_WAITING);
        slow.goOn();
        await Promise.all([...running, ...left]);
        assertEquals(slow.counts.all, MAX_RUNNING);
      }, { kv: slow.kv });
    }));
}

Deno.test("GET /timeline/search answers 503 where KV cannot be read [H2]", () =>
  withKv(async (kv) => {
    const faulty = new FaultyKv(kv);
    await withForesight({}, async (foresight) => {
      faulty.failReads(1);
      const response = await foresight.fetch("/timeline/search?q=cup");
      assertEquals([response.status, response.headers.get("retry-after")], [503, "1"]);
      assertEquals(await response.json(), { detail: "The records cannot be read now" });
      assertEquals((await search(foresight, "q=cup")).status, 200);
    }, { kv: faulty.kv });
  }));

async function until(isTrue: () => boolean): Promise<void> {
  const endsAtMs = performance.now() + 10_000;
  while (!isTrue()) {
    assert(performance.now() < endsAtMs, `Waited in vain for ${isTrue}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
