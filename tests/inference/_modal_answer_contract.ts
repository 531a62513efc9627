/**
 * What the Modal adapter promises to who asks a question, whichever way its calls travel. Beside
 * this it keeps the promises of `_port_answer_contract.ts`.
 *
 * @module
 */
import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import type { AnswerOutcome } from "../../inference/client.ts";
import type { LocalMethod } from "../../modal/local/classes.ts";
import {
  captioned,
  chunkOf,
  CONTEXT,
  EYES,
  failed,
  type Scenario,
  until,
  withModal,
} from "./_modal_bench.ts";

const PICTURES = [new Uint8Array([1, 2, 3]), new Uint8Array([4, 5, 6])];

function answered(outcome: AnswerOutcome) {
  assert(outcome.kind === "answered", JSON.stringify(outcome));
  return outcome;
}

/** The class with another `answer`. */
function eyesWith(answer: LocalMethod) {
  return { ...EYES, methods: { ...EYES.methods, answer } };
}

/** Every promise about questions. */
export const ANSWER_SCENARIOS: readonly Scenario[] = [
  {
    name: "hands pictures and question over by position, the history by keyword [M8]",
    run: (transport) => {
      // Named otherwise, so that only by position they can arrive.
      const answer: LocalMethod = {
        parameters: ["pictures", "asked", { name: "other", default: "" }, {
          name: "history",
          default: [],
        }],
        call: ({ pictures, asked, other, history }) => ({
          text: JSON.stringify([(pictures as Uint8Array[]).length, asked, other, history]),
          latency_ms: 8.5,
        }),
      };
      return withModal(transport, { classes: [eyesWith(answer)] }, async ({ open }) => {
        const outcome = await (await open()).answer(PICTURES, "Why?", CONTEXT);
        const text = '[2,"Why?","",["before"]]';
        assertEquals(outcome, { kind: "answered", text, latencyMs: 8.5 });
      });
    },
  },
  {
    name: "measures an answer's latency where the class gives none [M8]",
    run: (transport) => {
      const answer: LocalMethod = {
        ...EYES.methods.answer!,
        call: () => new Promise((done) => setTimeout(() => done({ text: "Yes." }), 30)),
      };
      return withModal(transport, { classes: [eyesWith(answer)] }, async ({ open }) => {
        const outcome = await (await open()).answer(PICTURES, "Why?", CONTEXT);
        assertGreaterOrEqual(answered(outcome).latencyMs, 29);
      });
    },
  },
  {
    name: "looks a class up once for captions and answers",
    run: (transport) =>
      withModal(transport, {}, async ({ modal, open }) => {
        const session = await open();
        const [outcome] = await Promise.all([
          session.answer(PICTURES, "Why?", CONTEXT),
          session.inferChunk(chunkOf(1), CONTEXT),
        ]);
        assertEquals(answered(outcome).text, '[2,"Why?",["before"]]');
        assertEquals(modal.seen.rpcs.functionGet, 1);
      }),
  },
  {
    name: "asks no class that was deployed without answers, and captions as ever [M8]",
    run: (transport) => {
      const { infer_chunk } = EYES.methods;
      const old = { ...EYES, methods: { infer_chunk: infer_chunk! } };
      return withModal(transport, { classes: [old] }, async ({ modal, open }) => {
        const session = await open();
        failed(await session.answer(PICTURES, "Why?", CONTEXT), "chunk");
        captioned(await session.inferChunk(chunkOf(1), CONTEXT));
        failed(await session.answer(PICTURES, "Why?", CONTEXT), "chunk");
        assertEquals([modal.seen.rpcs.functionGet, modal.seen.rpcs.functionMap], [1, 1]);
      });
    },
  },
  {
    name: "passes on what the class raised at a question, without secrets [M8, A4]",
    run: (transport) =>
      withModal(transport, {}, async ({ modal, open }) => {
        const session = await open();
        modal.faults.calls({ kind: "error", exception: "ValueError('as-do-not-tell')" });
        const reason = failed(await session.answer(PICTURES, "Why?", CONTEXT), "chunk");
        assertEquals(reason, "ValueError('[redacted]')");
        answered(await session.answer(PICTURES, "Why?", CONTEXT));
      }),
  },
  {
    name: "gives a question up at its deadline and tells Modal to stop",
    run: (transport) =>
      withModal(transport, {}, async ({ modal, open }) => {
        const session = await open();
        modal.faults.calls({ kind: "hang" });
        const reason = failed(await session.answer(PICTURES, "Why?", CONTEXT), "service");
        assertEquals(reason, "Modal did not answer within 0.3 s");
        await until(() => modal.seen.cancelledCalls === 1);
        captioned(await session.inferChunk(chunkOf(1), CONTEXT));
      }, 300),
  },
  {
    name: "gives a question up when told to, and tells Modal to stop",
    run: (transport) =>
      withModal(transport, {}, async ({ modal, open }) => {
        const session = await open();
        modal.faults.calls({ kind: "hang" });
        const leaving = new AbortController();
        const context = { ...CONTEXT, signal: leaving.signal };
        const outcome = session.answer(PICTURES, "Why?", context);
        await until(() => modal.seen.runningCalls === 1);
        leaving.abort(new Error("the stream ended"));
        assertEquals(failed(await outcome, "service"), "the stream ended");
        await until(() => modal.seen.cancelledCalls === 1);
      }),
  },
];
