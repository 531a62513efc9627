import { assert, assertEquals, assertRejects } from "@std/assert";
import { DeadlineError } from "../../../clock.ts";
import type {
  GenerateOutcome,
  GenerateRequest,
  OpenOutcome,
  VisionInferenceClient,
  VisionInferenceSession,
} from "../../../inference/client.ts";
import { InferenceSlots } from "../../../inference/slots.ts";
import { type BudgetAccount, type CallOutcome, UNLIMITED } from "../../../kv/budgets.ts";
import { createLogger } from "../../../log.ts";
import { createAsking } from "../../../timeline/asking/asking.ts";
import { createSearch, type Search } from "../../../timeline/search/search.ts";
import { createFakeClock } from "../../_fake_clock.ts";
import { withKv } from "../../kv/_temp_kv.ts";
import { past } from "./_past.ts";

const NOON_MS = Date.UTC(2026, 0, 1, 12);
const LOG = createLogger("error", () => {});
const SAID = { citations: [1], known: true, answer: "Here." };
/** KV that is locked for good. */
const neverFinds: Search = () => new Promise(() => {});
const TIME_IS_UP = {
  kind: "unanswered",
  reason: "The model did not answer within 45 s",
} as const;

/** A model that opens and answers when the test says so. */
function createScriptedModel() {
  const model = { opens: true, answers: false, tried: 0, opened: 0, closed: 0, asked: 0 };
  const session = {
    async generate<T>(_: GenerateRequest<T>, signal: AbortSignal): Promise<GenerateOutcome<T>> {
      model.asked++;
      if (model.answers) return { kind: "generated", value: SAID as T, latencyMs: 1 };
      await new Promise((gone) => signal.addEventListener("abort", gone));
      return { kind: "failed", scope: "service", reason: String(signal.reason) };
    },
    close: () => void model.closed++,
  } as VisionInferenceSession;
  const openSession = async (_: unknown, signal: AbortSignal): Promise<OpenOutcome> => {
    model.tried++;
    if (!model.opens) {
      await new Promise((gone) => signal.addEventListener("abort", gone));
      return { kind: "unavailable", reason: String(signal.reason) };
    }
    model.opened++;
    return { kind: "opened", session };
  };
  const client: VisionInferenceClient = {
    serves: () => true,
    openSession,
    prepare: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  return Object.assign(model, { client });
}

/** A budget whose next outcomes the test gives. */
function createScriptedBudget() {
  const budget = {
    next: { kind: "granted" } as CallOutcome,
    spentS: [] as number[],
    waiting: new Set<() => void>(),
    ready() {
      for (const turn of budget.waiting) turn();
      budget.waiting.clear();
    },
  };
  const account: BudgetAccount = {
    takeCall: () => budget.next,
    whenReady(ready) {
      budget.waiting.add(ready);
      return () => budget.waiting.delete(ready);
    },
    spent: (seconds) => void budget.spentS.push(seconds),
  };
  return Object.assign(budget, { account });
}

/** Runs `test` with a question that waits on what the test scripts. */
function withAsking(
  test: (parts: Awaited<ReturnType<typeof createParts>>) => Promise<void>,
): Promise<void> {
  return withKv(async (kv) => {
    await past(kv, ["Keys on a table."], { wearer: "ann", startedAtMs: NOON_MS });
    await test(createParts(kv));
  });
}

function createParts(kv: Deno.Kv) {
  const clock = createFakeClock(NOON_MS + 60_000);
  const [model, budget, slots] = [
    createScriptedModel(),
    createScriptedBudget(),
    new InferenceSlots(1),
  ];
  const leaving = new AbortController();
  const asking = (search: Search) =>
    createAsking({
      kv,
      clock,
      search,
      inference: model.client,
      slots,
      budgets: { account: (wearer) => wearer === "ann" ? budget.account : UNLIMITED },
      log: LOG,
    });
  const asked = (search = createSearch({ kv, clock })) =>
    asking(search)({
      wearer: "ann",
      question: "Where are the keys?",
      range: { fromMs: null, toMs: null },
      zone: null,
      identity: null,
      signal: leaving.signal,
    });
  return { clock, model, budget, slots, leaving, asked };
}

/** What a question waits for that does not come. */
interface Wait {
  readonly prepare: (parts: Parts) => void;
  readonly isReached: (parts: Parts) => boolean;
  readonly opened: number;
  readonly asked: number;
}

type Parts = ReturnType<typeof createParts>;

/** Waits for what depends on real KV. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((next) => setTimeout(next, 1));
}

const WAITS: Readonly<Record<string, Wait>> = {
  "the model to be opened": {
    prepare: ({ model }) => model.opens = false,
    isReached: ({ model }) => model.tried === 1,
    opened: 0,
    asked: 0,
  },
  "its turn": {
    prepare: ({ slots }) => slots.request(() => {}),
    isReached: ({ slots }) => slots.waiting === 1,
    opened: 1,
    asked: 0,
  },
  "the budget": {
    prepare: ({ budget }) => budget.next = { kind: "pending" },
    isReached: ({ budget }) => budget.waiting.size === 1,
    opened: 1,
    asked: 0,
  },
  "a call that comes free soon": {
    prepare({ budget }) {
      budget.next = { kind: "exhausted", budget: "calls_per_day", retryAfterMs: 5_000 };
    },
    isReached: ({ budget }) => budget.waiting.size === 1,
    opened: 1,
    asked: 0,
  },
  "the answer": {
    prepare() {},
    isReached: ({ model }) => model.asked === 1,
    opened: 1,
    asked: 1,
  },
};

for (const [what, { prepare, isReached, opened, asked: askedTimes }] of Object.entries(WAITS)) {
  Deno.test(`createAsking waits 45 s for ${what}, and lets go of all [T9]`, () =>
    withAsking(async (parts) => {
      const { clock, model, budget, slots, asked } = parts;
      prepare(parts);
      const taken = slots.taken;
      const reply = asked();
      await until(() => isReached(parts));
      await clock.tickAsync(44_999);
      assertEquals([model.closed, clock.pendingTimers], [0, 1], "it waits");
      await clock.tickAsync(1);
      const { outcome, segments } = await reply;
      assertEquals([outcome, segments.length], [TIME_IS_UP, 1]);
      assertEquals([model.opened, model.asked, model.closed], [opened, askedTimes, opened]);
      assertEquals([slots.taken, slots.waiting], [taken, 0]);
      assertEquals([budget.waiting.size, clock.pendingTimers], [0, 0]);
      assertEquals(budget.spentS, askedTimes ? [45] : []);
    }));

  Deno.test(`createAsking waits for ${what} no longer than its caller [T9]`, () =>
    withAsking(async (parts) => {
      const { clock, model, budget, slots, leaving, asked } = parts;
      prepare(parts);
      const taken = slots.taken;
      const outcome = asked();
      const rejected = assertRejects(() => outcome, Error, "left");
      await until(() => isReached(parts));
      leaving.abort(new Error("left"));
      await rejected;
      assertEquals([model.closed, slots.taken, slots.waiting], [opened, taken, 0]);
      assertEquals([budget.waiting.size, clock.pendingTimers], [0, 0]);
    }));
}

Deno.test("createAsking waits 10 s for KV, and asks no model then [T9]", () =>
  withAsking(async ({ clock, model, asked }) => {
    const reply = assertRejects(() => asked(neverFinds), DeadlineError);
    await clock.tickAsync(9_999);
    assertEquals(clock.pendingTimers, 1, "it waits");
    await clock.tickAsync(1);
    await reply;
    assertEquals([model.tried, clock.pendingTimers], [0, 0]);
  }));

Deno.test("createAsking goes on when its turn and its budget come [T9]", () =>
  withAsking(async ({ model, budget, slots, asked, clock }) => {
    model.answers = true;
    budget.next = { kind: "pending" };
    let leave = () => {};
    slots.request((release) => void (leave = release));
    const reply = asked();
    await until(() => slots.waiting === 1);
    assertEquals([model.asked, budget.waiting.size], [0, 0]);
    leave();
    await until(() => budget.waiting.size === 1);
    assertEquals([slots.waiting, model.asked], [0, 0]);
    budget.next = { kind: "granted" };
    budget.ready();
    const { outcome } = await reply;
    assert(outcome.kind === "answered");
    assertEquals(outcome.citations.map(({ id }) => id), ["s1.0"]);
    assertEquals([model.asked, model.closed, slots.taken], [1, 1, 0]);
    assertEquals([budget.spentS.length, clock.pendingTimers], [1, 0]);
  }));

Deno.test("createAsking asks nobody for who has left before [T9]", () =>
  withAsking(async ({ model, leaving, asked, clock }) => {
    leaving.abort(new Error("left"));
    await assertRejects(asked, Error, "left");
    assertEquals([model.opened, clock.pendingTimers], [0, 0]);
  }));
