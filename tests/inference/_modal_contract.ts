/**
 * What the Modal adapter promises, whichever way its calls travel. Each scenario runs against the
 * stand-in over a real connection; `modal_test.ts` runs all of them over both transports.
 *
 * @module
 */
import { assert, assertEquals, assertGreaterOrEqual, assertStringIncludes } from "@std/assert";
import type { Question } from "../../inference/client.ts";
import { ANSWER_SCENARIOS } from "./_modal_answer_contract.ts";
import { GENERATE_SCENARIOS } from "./_modal_generate_contract.ts";
import {
  captioned,
  chunkOf,
  CONTEXT,
  EYES,
  eyesThat,
  failed,
  IDENTITY,
  NEVER,
  type Scenario,
  until,
  withModal,
} from "./_modal_bench.ts";

const scenarios: Scenario[] = [];

function promise(name: string, run: Scenario["run"]): void {
  scenarios.push({ name, run });
}

promise(
  "hands frames, times and prompt over by position, the rest by keyword [M1]",
  (transport) =>
    withModal(transport, {}, async ({ open }) => {
      const outcome = await (await open()).inferChunk(chunkOf(3), CONTEXT);
      assertEquals(outcome, {
        kind: "captioned",
        caption: '[3,"look",["before"],"s1"]',
        chunkStartS: 0.5,
        chunkEndS: 1.5,
        latencyMs: 12.5,
        tokensGenerated: 7,
        model: "eyes-1",
        answers: [],
      });
    }),
);

promise(
  "captions with a class that takes no history, and asks it only once [M1]",
  (transport) =>
    withModal(transport, {
      classes: [
        eyesThat(() => ({ caption: "old" }), ["frames", "start_ts_s", "end_ts_s", "prompt"]),
      ],
    }, async ({ modal, open }) => {
      const session = await open();
      assertEquals(captioned(await session.inferChunk(chunkOf(1), CONTEXT)).caption, "old");
      const calls = modal.seen.rpcs.functionMap;
      assertEquals(captioned(await session.inferChunk(chunkOf(1), CONTEXT)).caption, "old");
      assertEquals(modal.seen.rpcs.functionMap, calls + 1);
    }),
);

promise(
  "captions with a class that takes no questions, and asks it only once [M1, M10]",
  (transport) =>
    withModal(transport, {
      classes: [
        eyesThat(
          ({ history }) => ({ caption: JSON.stringify(history) }),
          ["frames", "start_ts_s", "end_ts_s", "prompt", "history", "session_id"],
        ),
      ],
    }, async ({ modal, open }) => {
      const session = await open();
      const caption = async (questions: readonly Question[]) => {
        const before = modal.seen.rpcs.functionMap ?? 0;
        const outcome = captioned(await session.inferChunk(chunkOf(1), { ...CONTEXT, questions }));
        assertEquals([outcome.caption, outcome.answers], ['["before"]', []]);
        return modal.seen.rpcs.functionMap! - before;
      };
      assertEquals(await caption([]), 1, "without questions the keyword is not there");
      assertEquals(await caption([{ id: "q", text: "a dog" }]), 2);
      assertEquals(await caption([{ id: "q", text: "a dog" }]), 1);
    }),
);

promise(
  "captions with a class that takes no keyword at all, whatever is asked [M1, M10]",
  (transport) =>
    withModal(transport, {
      classes: [
        eyesThat(() => ({ caption: "old" }), ["frames", "start_ts_s", "end_ts_s", "prompt"]),
      ],
    }, async ({ modal, open }) => {
      const session = await open();
      const asked = { ...CONTEXT, questions: [{ id: "q", text: "a dog" }] };
      assertEquals(captioned(await session.inferChunk(chunkOf(1), asked)).caption, "old");
      const calls = modal.seen.rpcs.functionMap!;
      assertEquals(captioned(await session.inferChunk(chunkOf(1), asked)).caption, "old");
      assertEquals(modal.seen.rpcs.functionMap, calls + 1);
    }),
);

promise(
  "takes an answer that is no object for an error of the chunk [M3]",
  (transport) =>
    withModal(transport, { classes: [eyesThat(() => "a caption")] }, async ({ open }) => {
      const reason = failed(await (await open()).inferChunk(chunkOf(1), CONTEXT), "chunk");
      assertStringIncludes(reason, "expected object");
    }),
);

promise(
  "measures the latency where the class gives none [M3]",
  (transport) =>
    withModal(transport, {
      classes: [eyesThat(() => new Promise((done) => setTimeout(() => done({ caption: "" }), 30)))],
    }, async ({ open }) => {
      const outcome = captioned(await (await open()).inferChunk(chunkOf(1), CONTEXT));
      assertGreaterOrEqual(outcome.latencyMs, 29);
      assertEquals([outcome.chunkStartS, outcome.chunkEndS], [0.5, 1.5]);
      assertEquals(outcome.tokensGenerated, null);
    }),
);

promise(
  "passes on what the class raised, as an error of the chunk [V5]",
  (transport) =>
    withModal(transport, {}, async ({ modal, open }) => {
      const session = await open();
      modal.faults.calls({ kind: "error", exception: "ValueError('no frame decodes')" });
      const reason = failed(await session.inferChunk(chunkOf(1), CONTEXT), "chunk");
      assertEquals(reason, "ValueError('no frame decodes')");
      captioned(await session.inferChunk(chunkOf(1), CONTEXT));
    }),
);

promise(
  "names a class that is not there, and finds it once it is [V8]",
  (transport) =>
    withModal(transport, { classes: [] }, async ({ modal, client, open }) => {
      assertEquals(await client.openSession(IDENTITY, NEVER), {
        kind: "unavailable",
        reason: "Modal has no class Eyes in app app",
      });
      modal.deploy(EYES);
      captioned(await (await open()).inferChunk(chunkOf(1), CONTEXT));
    }),
);

promise(
  "says that the token was refused, and tells no secret [V8, A4]",
  (transport) =>
    withModal(transport, { tokens: { "ak-test": "another" } }, async ({ client }) => {
      assertEquals(await client.openSession(IDENTITY, NEVER), {
        kind: "unavailable",
        reason: "Modal refused the token",
      });
    }),
);

promise(
  "keeps its secrets out of what Modal says about them [A4]",
  (transport) =>
    withModal(transport, {}, async ({ modal, open }) => {
      const session = await open();
      const exception = "PermissionError('as-do-not-tell of ak-test')";
      modal.faults.calls({ kind: "error", exception });
      const reason = failed(await session.inferChunk(chunkOf(1), CONTEXT), "chunk");
      assertEquals(reason, "PermissionError('[redacted] of [redacted]')");
    }),
);

promise(
  "opens nothing without an identity [V8]",
  (transport) =>
    withModal(transport, {}, async ({ modal, client }) => {
      assertEquals(await client.openSession(null, NEVER), { kind: "disabled" });
      assertEquals([client.serves(null), client.serves(IDENTITY)], [false, true]);
      assertEquals(modal.seen.connections, 0);
    }),
);

promise(
  "gives up at its deadline and tells Modal to stop",
  (transport) =>
    withModal(transport, {}, async ({ modal, open }) => {
      const session = await open();
      modal.faults.calls({ kind: "hang" });
      const reason = failed(await session.inferChunk(chunkOf(1), CONTEXT), "service");
      assertEquals(reason, "Modal did not answer within 0.3 s");
      await until(() => modal.seen.cancelledCalls === 1);
      captioned(await session.inferChunk(chunkOf(1), CONTEXT));
    }, 300),
);

promise(
  "gives up when told to, and tells Modal to stop",
  (transport) =>
    withModal(transport, {}, async ({ modal, open }) => {
      const session = await open();
      modal.faults.calls({ kind: "hang" });
      const leaving = new AbortController();
      const outcome = session.inferChunk(chunkOf(1), { ...CONTEXT, signal: leaving.signal });
      await until(() => modal.seen.runningCalls === 1);
      leaving.abort(new Error("the stream ended"));
      assertEquals(failed(await outcome, "service"), "the stream ended");
      await until(() => modal.seen.cancelledCalls === 1);
    }),
);

promise(
  "looks a class up once for all streams, over one connection",
  (transport) =>
    withModal(transport, {}, async ({ modal, open }) => {
      const sessions = await Promise.all(Array.from({ length: 20 }, () => open()));
      const outcomes = await Promise.all(
        sessions.map((session, at) =>
          session.inferChunk(chunkOf(1), { ...CONTEXT, sessionId: String(at) })
        ),
      );
      outcomes.forEach((outcome, at) =>
        assertStringIncludes(captioned(outcome).caption, `"${at}"`)
      );
      assertEquals(modal.seen.rpcs.functionGet, 1);
      assertEquals(modal.seen.rpcs.authTokenGet, 1);
      assertEquals(modal.seen.connections, 1);
    }),
);

promise(
  "keeps identities apart [V10, V11]",
  (transport) =>
    withModal(transport, {}, async ({ modal, open }) => {
      await (await open()).inferChunk(chunkOf(1), CONTEXT);
      const other = await open({ ...IDENTITY, tokenId: "ak-other" });
      await other.inferChunk(chunkOf(1), CONTEXT);
      assertEquals(modal.seen.rpcs.functionGet, 2);
      assertEquals(modal.seen.calls.map((call) => call.tokenId), ["ak-test", "ak-other"]);
    }),
);

promise(
  "sends large chunks as blobs",
  (transport) =>
    withModal(transport, { maxObjectSizeBytes: 1000 }, async ({ modal, open }) => {
      const outcome = await (await open()).inferChunk(chunkOf(6, 50_000), CONTEXT);
      assertStringIncludes(captioned(outcome).caption, "[6,");
      assertEquals(modal.seen.rpcs.blobCreate, 1);
    }),
);

promise(
  "calls by the input plane where Modal has one",
  (transport) =>
    withModal(transport, { inputPlane: true }, async ({ modal, open }) => {
      captioned(await (await open()).inferChunk(chunkOf(1), CONTEXT));
      assertEquals([modal.seen.rpcs.attemptStart, modal.seen.rpcs.functionMap], [1, 0]);
    }),
);

promise(
  "captions through a dying container and a lost answer",
  (transport) =>
    withModal(transport, {}, async ({ modal, open }) => {
      const session = await open();
      modal.faults.calls({ kind: "internalFailure" });
      captioned(await session.inferChunk(chunkOf(1), CONTEXT));
      modal.faults.rpcs("functionMap", { kind: "answerLost" });
      const runs = modal.seen.callCount;
      captioned(await session.inferChunk(chunkOf(1), CONTEXT));
      assertEquals(modal.seen.callCount, runs + 1, "a repeated request must not run twice");
    }),
);

promise(
  "logs in anew when a login is no longer good",
  (transport) =>
    withModal(transport, {}, async ({ modal, open }) => {
      const session = await open();
      captioned(await session.inferChunk(chunkOf(1), CONTEXT));
      modal.faults.revokeLogins();
      failed(await session.inferChunk(chunkOf(1), CONTEXT), "service");
      captioned(await session.inferChunk(chunkOf(1), CONTEXT));
    }),
);

promise(
  "finds a class that was deployed anew under another id",
  (transport) =>
    withModal(transport, {}, async ({ modal, open }) => {
      const session = await open();
      modal.undeploy(EYES);
      const reason = failed(await session.inferChunk(chunkOf(1), CONTEXT), "service");
      assertEquals(reason, "Modal has no class Eyes in app app");
      modal.deploy(EYES);
      captioned(await session.inferChunk(chunkOf(1), CONTEXT));
    }),
);

promise(
  "survives fifty GOAWAYs and fifty lost connections, idle and mid-call",
  (transport) =>
    withModal(transport, { classes: [eyesThat(slowly)] }, async ({ modal, open }) => {
      const session = await open();
      for (let turn = 0; turn < 50; turn++) {
        const cut = () => turn % 2 ? modal.goaway() : modal.killConnections();
        cut(); // idle
        captioned(await session.inferChunk(chunkOf(1), CONTEXT));
        const outcome = session.inferChunk(chunkOf(1), CONTEXT);
        await until(() => modal.seen.runningCalls === 1);
        cut(); // mid-call
        captioned(await outcome);
        captioned(await session.inferChunk(chunkOf(1), CONTEXT));
      }
    }),
);

promise(
  "says that Modal cannot be reached, and goes on when it is back",
  (transport) =>
    withModal(transport, {}, async ({ modal, open }) => {
      const session = await open();
      await modal.stop();
      const reason = failed(await session.inferChunk(chunkOf(1), CONTEXT), "service");
      assert(reason.length > 0);
      await modal.restart();
      captioned(await session.inferChunk(chunkOf(1), CONTEXT));
    }),
);

async function slowly(): Promise<unknown> {
  await new Promise((done) => setTimeout(done, 5));
  return { caption: "slow" };
}

/** Every promise of the adapter. */
export const MODAL_CONTRACT: readonly Scenario[] = [
  ...scenarios,
  ...ANSWER_SCENARIOS,
  ...GENERATE_SCENARIOS,
];
