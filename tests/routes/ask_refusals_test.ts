import { assert, assertEquals, assertMatch } from "@std/assert";
import { DEFAULT_WEARER } from "../../kv/keys.ts";
import { callBudgetKey, type CallBudgetRecord } from "../../kv/ration_keys.ts";
import { FaultyKv } from "../faults/_faulty_kv.ts";
import { type TestForesight, withForesight } from "../_foresight.ts";
import { past } from "../timeline/asking/_past.ts";
import { startOpenAiServer } from "../inference/_openai_server.ts";
import { type AskAnswer, askPast, type Say, withWriter } from "./_asking.ts";
import { withModal } from "./_vision.ts";
import { bearing, issueToken } from "./_wearers.ts";

const NOON_MS = Date.UTC(2026, 0, 1, 12);
const QUESTION = { question: "Where are my keys?", from: "2026-01-01", to: "2026-01-02" };
const SAID = { citations: [1], known: true, answer: "On the table." };

const remember = ({ kv }: TestForesight, wearer = DEFAULT_WEARER) =>
  past(kv, ["Keys lie on a table."], { wearer, startedAtMs: NOON_MS });

/** A model that answers once it is told to. */
function held() {
  const { promise, resolve } = Promise.withResolvers<typeof SAID>();
  let asked = 0;
  const say: Say = () => (asked++, promise);
  const isAsked = async (times: number) => {
    while (asked < times) await new Promise((done) => setTimeout(done, 1));
  };
  return { say, isAsked, answer: () => resolve(SAID) };
}

function assertUnanswered(answer: AskAnswer, reason: string | RegExp) {
  assertEquals([answer.status, answer.outcome, answer.answer], [200, "unanswered", null]);
  if (typeof reason === "string") assertEquals(answer.reason, reason);
  else assertMatch(answer.reason!, reason);
  assertEquals(answer.segments!.map(({ caption }) => caption), ["Keys lie on a table."]);
}

Deno.test("POST /ask answers with the segments, and says why, where no model answers [T9]", async () => {
  await withForesight({}, async (foresight) => {
    await remember(foresight);
    assertUnanswered(await askPast(foresight, QUESTION), "There is no model that could answer");
  });
  await withModal({}, async (foresight) => {
    await remember(foresight);
    const without = "This model only looks at pictures: it was deployed without `generate`";
    assertUnanswered(await askPast(foresight, QUESTION), without);
  });
  await withWriter(() => SAID, async (foresight, modal) => {
    await remember(foresight);
    await modal.stop();
    assertUnanswered(await askPast(foresight, QUESTION), /cannot be reached/);
    await modal.restart();
  });
  const gone = { MODAL_CLASS_NAME: "Gone" };
  await withModal(gone, async (foresight) => {
    await remember(foresight);
    const reason = "Modal has no class Gone in app foresight-gemma3-vlm";
    assertUnanswered(await askPast(foresight, QUESTION), reason);
  });
});

Deno.test("POST /ask asks whom its headers name, as streams do [T9, V10]", () =>
  withWriter(() => SAID, async (foresight, modal) => {
    await remember(foresight);
    const brought = {
      "x-magic-word": foresight.config.magicWord!,
      "x-modal-token-id": "ak-own",
      "x-modal-token-secret": "as-own",
    };
    assertEquals((await askPast(foresight, QUESTION, brought)).outcome, "answered");
    assertEquals((await askPast(foresight, QUESTION)).outcome, "answered");
    assertEquals(modal.seen.calls.map(({ tokenId }) => tokenId), ["ak-own", "ak-1"]);
    const other = await askPast(foresight, QUESTION, { ...brought, "x-modal-class-name": "No" });
    assertEquals(other.reason, "Modal has no class No in app foresight-gemma3-vlm");
    assert(!JSON.stringify(foresight.logged).includes("as-own"));
  }));

Deno.test("POST /ask asks any model behind the port [T9, M9]", async () => {
  const server = startOpenAiServer("sk-local");
  server.behave({ kind: "answers", say: () => JSON.stringify(SAID) });
  const settings = {
    INFERENCE: "openai",
    OPENAI_BASE_URL: server.baseUrl,
    OPENAI_API_KEY: "sk-local",
    OPENAI_MODEL: "eyes",
  };
  await withForesight(settings, async (foresight) => {
    await remember(foresight);
    const { outcome, citations } = await askPast(foresight, QUESTION);
    assertEquals([outcome, citations], ["answered", ["s1.0"]]);
  });
  await server.stop();
});

Deno.test("POST /ask counts against its wearer's budget, and says so where it is used up [T9]", async () => {
  const kv = await Deno.openKv(":memory:");
  await withWriter(
    () => SAID,
    async (foresight, modal) => {
      await remember(foresight);
      await remember(foresight, "ann");
      for (let call = 0; call < 2; call++) {
        assertEquals((await askPast(foresight, QUESTION)).outcome, "answered");
      }
      const reason = /^The budget of calls per minute is used up: it goes on in \d\d s$/;
      assertUnanswered(await askPast(foresight, QUESTION), reason);
      assertEquals(modal.seen.callCount, 2);
      const ann = bearing(await issueToken(foresight, "ann", ["read"]));
      assertEquals((await askPast(foresight, QUESTION, ann)).outcome, "answered");
    },
    { BUDGET_CALLS_PER_MINUTE: "2" },
    { kv },
  );
  const { value } = await kv.get<CallBudgetRecord>(callBudgetKey(DEFAULT_WEARER));
  const calls = value!.quarters.reduce((all, [, calls]) => all + calls, 0);
  const seconds = value!.quarters.reduce((all, [, , seconds]) => all + seconds, 0);
  assertEquals(calls, 2);
  assert(seconds > 0, "what it cost is booked");
  kv.close();
});

Deno.test("POST /ask answers two questions of a wearer at once, and sixteen in all [T9]", () => {
  const { say, isAsked, answer } = held();
  return withWriter(say, async (foresight) => {
    const bearers = [];
    for (let at = 0; at < 9; at++) {
      await remember(foresight, `w${at}`);
      bearers.push(bearing(await issueToken(foresight, `w${at}`, ["read"])));
    }
    const first = bearers[0]!;
    const asked = [askPast(foresight, QUESTION, first), askPast(foresight, QUESTION, first)];
    await isAsked(2);
    const refused = await fetch(`${foresight.url}/ask`, {
      method: "POST",
      headers: first,
      body: JSON.stringify(QUESTION),
    });
    assertEquals([refused.status, refused.headers.get("retry-after")], [429, "2"]);
    assertEquals((await refused.json()).detail, "Two questions are being answered already");
    for (const bearer of bearers.slice(1, 8)) {
      asked.push(askPast(foresight, QUESTION, bearer), askPast(foresight, QUESTION, bearer));
    }
    await isAsked(16);
    const full = await askPast(foresight, QUESTION, bearers[8]);
    assertEquals([full.status, full.detail], [
      503,
      "Too many questions are being answered already",
    ]);
    answer();
    for (const { outcome } of await Promise.all(asked)) assertEquals(outcome, "answered");
    for (const bearer of [first, bearers[8]]) {
      assertEquals((await askPast(foresight, QUESTION, bearer)).outcome, "answered");
    }
  }, { INFERENCE_MAX_CONCURRENT: "0" });
});

for (const SOCKET_TRANSPORT of ["ws", "native"]) {
  Deno.test(`POST /ask ends its call on the model when its client leaves, over ${SOCKET_TRANSPORT} [T9]`, () => {
    const { say, isAsked, answer } = held();
    return withWriter(say, async (foresight, modal) => {
      await remember(foresight);
      const leaving = new AbortController();
      const left = foresight.fetch("/ask", {
        method: "POST",
        body: JSON.stringify(QUESTION),
        signal: leaving.signal,
      }).then(() => "answered", () => "left");
      await isAsked(1);
      leaving.abort();
      assertEquals(await left, "left");
      const isTrue = async (what: () => boolean) => {
        while (!what()) await new Promise((done) => setTimeout(done, 1));
      };
      await isTrue(() => modal.seen.cancelledCalls === 1);
      await isTrue(() => foresight.logged.some(({ status }) => status === 499));
      answer();
      assertEquals((await askPast(foresight, QUESTION)).outcome, "answered");
    }, { SOCKET_TRANSPORT });
  });
}

Deno.test("POST /ask answers 503 while KV cannot be read [T9, H2]", async () => {
  const real = await Deno.openKv(":memory:");
  const faulty = new FaultyKv(real);
  await withWriter(
    () => SAID,
    async (foresight, modal) => {
      await past(real, ["Keys lie on a table."], { startedAtMs: NOON_MS });
      for (const question of ["Where are my keys?", "What did I do?"]) {
        faulty.failReads(1);
        const response = await foresight.fetch("/ask", {
          method: "POST",
          body: JSON.stringify({ ...QUESTION, question }),
        });
        assertEquals([response.status, response.headers.get("retry-after")], [503, "1"]);
        assertEquals(await response.json(), { detail: "The records cannot be read now" });
      }
      faulty.calm();
      assertEquals(modal.seen.callCount, 0);
      assertEquals((await askPast(foresight, QUESTION)).outcome, "answered");
    },
    {},
    { kv: faulty.kv },
  );
  real.close();
});

const QUESTION_MUST = "must be a text of 1 to 500 characters, with a word in it";
const TIME_MUST = "must be a time in ISO 8601 or in milliseconds since 1970";
const BAD: readonly [body: unknown, loc: string[], msg: string][] = [
  [undefined, [], "the body must be a JSON object: current value is missing"],
  ["keys?", [], 'the body must be a JSON object: current value is "keys?"'],
  [[], [], "the body must be a JSON object: current value is []"],
  [{}, ["question"], `question ${QUESTION_MUST}: current value is missing`],
  [{ question: 7 }, ["question"], `question ${QUESTION_MUST}: current value is 7`],
  [{ question: "" }, ["question"], `question ${QUESTION_MUST}: current value is ""`],
  [{ question: " ?!" }, ["question"], `question ${QUESTION_MUST}: current value is " ?!"`],
  [
    { question: "x".repeat(501) },
    ["question"],
    `question ${QUESTION_MUST}: current value is a text of 501 characters`,
  ],
  [
    { question: "x", from: "yesterday" },
    ["from"],
    `from ${TIME_MUST}: current value is "yesterday"`,
  ],
  [{ question: "x", to: 1.5 }, ["to"], `to ${TIME_MUST}: current value is 1.5`],
  [{ question: "x", to: 9e15 }, ["to"], `to ${TIME_MUST}: current value is 9000000000000000`],
  [{ question: "x", from: {} }, ["from"], `from ${TIME_MUST}: current value is {}`],
  [
    { question: "x", from: "2026-01-02", to: "2026-01-01" },
    ["to"],
    'to must be later than from: current value is "2026-01-01"',
  ],
  [
    { question: "x", zone: "Mars/Base" },
    ["zone"],
    'zone must be the IANA name of a time zone, such as Europe/Berlin: current value is "Mars/Base"',
  ],
];

Deno.test("POST /ask says what is wrong with a question, and asks nobody [T9, H2]", () =>
  withWriter(() => SAID, async (foresight, modal) => {
    await remember(foresight);
    for (const [body, loc, msg] of BAD) {
      const { status, detail } = await askPast(foresight, body);
      assertEquals([status, detail.length], [422, 1], msg);
      assertEquals([detail[0].loc, detail[0].msg], [["body", ...loc], msg]);
    }
    const long = { question: "x", more: "x".repeat(16 * 1024) };
    assertEquals((await askPast(foresight, long)).status, 413);
    const refused = await fetch(`${foresight.url}/ask`, { method: "POST", body: "{}" });
    assertEquals([refused.status, await refused.text()], [403, "forbidden"]);
    assertEquals(modal.seen.callCount, 0);
    const atTheLimit = { question: `Keys? ${"é".repeat(494)}`, from: null, to: null, zone: null };
    assertEquals((await askPast(foresight, atTheLimit)).outcome, "answered");
    const inMs = { question: "keys?", from: NOON_MS, to: NOON_MS + 1 };
    assertEquals((await askPast(foresight, inMs)).outcome, "answered");
  }));
