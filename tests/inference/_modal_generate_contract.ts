/**
 * What the Modal adapter promises to who has a class write, whichever way its calls travel. Beside this
 * it keeps the promises of `_port_generate_contract.ts`.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { z } from "zod";
import type { GenerateOutcome, GenerateRequest } from "../../inference/client.ts";
import type { LocalMethod } from "../../modal/local/classes.ts";
import { CONTEXT, EYES, failed, NEVER, type Scenario, until, withModal } from "./_modal_bench.ts";

const MESSAGES = [{ role: "user", content: "Why?" }] as const;
const WHY: GenerateRequest<string> = { messages: MESSAGES, schema: null, maxTokens: null };

function generated<T>(outcome: GenerateOutcome<T>): T {
  assert(outcome.kind === "generated", JSON.stringify(outcome));
  return outcome.value;
}

function eyesWith(generate: LocalMethod) {
  return { ...EYES, methods: { ...EYES.methods, generate } };
}

/** Every promise about writing. */
export const GENERATE_SCENARIOS: readonly Scenario[] = [
  {
    name: "hands messages over by position, the rest by keyword and only where it is given [M9]",
    run: (transport) => {
      // Named otherwise, so that only by position they can arrive.
      const given: unknown[] = [];
      const generate: LocalMethod = {
        parameters: [
          "chat",
          { name: "max_tokens", default: "own" },
          { name: "schema", default: "none" },
        ],
        call: ({ chat, schema, max_tokens }) => {
          given.push([chat, schema, max_tokens]);
          return schema === "none" ? "Because." : { yes: true };
        },
      };
      return withModal(transport, { classes: [eyesWith(generate)] }, async ({ open }) => {
        const session = await open();
        assertEquals(generated(await session.generate(WHY, NEVER)), "Because.");
        const schema = z.object({ yes: z.boolean() });
        const request = { messages: MESSAGES, schema, maxTokens: 9 };
        assertEquals(generated(await session.generate(request, NEVER)), { yes: true });
        const asJson = {
          type: "object",
          properties: { yes: { type: "boolean" } },
          required: ["yes"],
          additionalProperties: false,
        };
        assertEquals(given, [[MESSAGES, "none", "own"], [MESSAGES, asJson, 9]]);
      });
    },
  },
  {
    name: "looks a class up once for captions and texts, and asks none without the method [M9]",
    run: (transport) => {
      const { infer_chunk, answer } = EYES.methods;
      const old = { ...EYES, methods: { infer_chunk: infer_chunk!, answer: answer! } };
      return withModal(transport, { classes: [old] }, async ({ modal, open }) => {
        const session = await open();
        failed(await session.generate(WHY, NEVER), "chunk");
        const answered = await session.answer([new Uint8Array([1])], "Why?", CONTEXT);
        assertEquals(answered.kind, "answered");
        failed(await session.generate(WHY, NEVER), "chunk");
        assertEquals([modal.seen.rpcs.functionGet, modal.seen.rpcs.functionMap], [1, 1]);
      });
    },
  },
  {
    name: "passes on what the class raised at a chat, without secrets [M9, A4]",
    run: (transport) =>
      withModal(transport, {}, async ({ modal, open }) => {
        const session = await open();
        modal.faults.calls({ kind: "error", exception: "JsonNotProduced('as-do-not-tell')" });
        const reason = failed(await session.generate(WHY, NEVER), "chunk");
        assertEquals(reason, "JsonNotProduced('[redacted]')");
        const said = generated(await session.generate(WHY, NEVER));
        assertEquals(JSON.parse(said), [MESSAGES, null, null]);
      }),
  },
  {
    name: "gives writing up when told to, and tells Modal to stop",
    run: (transport) =>
      withModal(transport, {}, async ({ modal, open }) => {
        const session = await open();
        modal.faults.calls({ kind: "hang" });
        const leaving = new AbortController();
        const outcome = session.generate(WHY, leaving.signal);
        await until(() => modal.seen.runningCalls === 1);
        leaving.abort(new Error("the caller left"));
        assertEquals(failed(await outcome, "service"), "the caller left");
        await until(() => modal.seen.cancelledCalls === 1);
      }),
  },
];
