import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../clock.ts";
import { createScene } from "../../dev/scene.ts";
import type { Question } from "../../inference/client.ts";
import { createDescriberGemma } from "../../modal/local/gemma.ts";
import type { LocalModal } from "../../modal/local/server.ts";
import { createRuleStore, type RuleStore } from "../../rules/store.ts";
import type { TestForesight } from "../_foresight.ts";
import { added } from "../rules/_rules.ts";
import { connectSession, type SessionGlasses, withTwo } from "./_session.ts";
import { list } from "./_timeline.ts";
import { EYES, withModal } from "./_vision.ts";
import { bearing, issueToken } from "./_wearers.ts";

/** A change is heard within about a second; a busy machine adds to that. */
const HEARD_WITHIN_MS = 10_000;

/** The store of another process on the same books. */
function storeElsewhere({ kv }: TestForesight): RuleStore {
  return createRuleStore({ kv, clock: systemClock, newId: () => crypto.randomUUID() });
}

/** What the model was asked in its newest call. */
function lastAsked({ seen }: LocalModal): string[] {
  const questions = seen.calls.at(-1)?.args.questions as readonly Question[] | undefined;
  return (questions ?? []).map(({ text }) => text.match(/"(.*)"/)![1]!);
}

/** Streams a frame again and again, a chunk each, until what the model is asked fits. */
async function streamUntil(
  { glasses, heard, of }: SessionGlasses,
  picture: Uint8Array,
  fits: () => boolean,
): Promise<void> {
  const untilMs = performance.now() + HEARD_WITHIN_MS;
  do {
    const results = of("result").length;
    glasses.send(picture);
    await heard("result", ({ cursor }) => cursor === results + 1);
    assert(performance.now() < untilMs, "it was not asked in time");
    await new Promise((done) => setTimeout(done, 20));
  } while (!fits());
}

/** Serves the describer in the model's place, which really measures. */
async function withDescriber(
  use: (foresight: TestForesight, modal: LocalModal) => Promise<void>,
): Promise<void> {
  const gemma = createDescriberGemma();
  try {
    await withModal({}, async (foresight, modal) => {
      modal.deploy(gemma.served);
      await use(foresight, modal);
    });
  } finally {
    await gemma.close();
  }
}

Deno.test("a rule added elsewhere while a stream runs is asked soon, and its answers lie with the chunks [R4]", () =>
  withDescriber(async (foresight, modal) => {
    const scene = createScene({ widthPx: 160, heightPx: 90 });
    const store = storeElsewhere(foresight);
    const session = await connectSession(foresight.url);
    await streamUntil(session, await scene.frameAt(6), () => modal.seen.callCount > 0);
    assertEquals(lastAsked(modal), []);
    const dark = await added(store, "default", { when: "tell me when it gets dark" });
    const bus = await added(store, "default", { when: "bus 22 comes" });
    await streamUntil(session, await scene.frameAt(6), () => lastAsked(modal).length === 2);
    assertEquals(lastAsked(modal), ["it gets dark", "bus 22 comes"]);
    await streamUntil(session, await scene.frameAt(15.5), () => true);
    await store.remove("default", dark.id);
    await store.remove("default", bus.id);
    await streamUntil(session, await scene.frameAt(15.5), () => lastAsked(modal).length === 0);
    await session.glasses.leave();
    const path = `/sessions/${session.hello.session}/chunks?order=oldest&limit=500`;
    const { items } = await list(foresight, path);
    const answers = items.map(({ answers }) =>
      answers as { id: string; yes: boolean }[] | undefined
    );
    assertEquals([answers[0], answers.at(-1)], [undefined, undefined]);
    const answered = answers.filter((one) => one !== undefined);
    // What cannot be measured was asked and not answered.
    assert(answered.every((all) => all.length === 1 && all[0]!.id === `${dark.id}.1`));
    assertEquals([answered[0]![0]!.yes, answered.at(-1)![0]!.yes], [false, true]);
    const { confidence } = answered.at(-1)![0] as unknown as { confidence: number };
    assert(confidence > 0.75 && confidence <= 1, String(confidence));
    const text = JSON.stringify(foresight.logged);
    assert(!text.includes("gets dark") && !text.includes("bus 22"), "questions are not logged");
  }));

Deno.test("wearers never share questions or answers, also on two processes [V11, A6, R4]", () =>
  withTwo({}, async ([one, other], modal) => {
    modal.deploy(ECHO);
    const store = storeElsewhere(one);
    await added(store, "ann", { when: "a dog" });
    await added(store, "bob", { when: "a cat" });
    const connect = async (foresight: TestForesight, wearer: string) => {
      const token = await issueToken(foresight, wearer, ["stream", "read"]);
      const options = { magicWord: "", headers: bearing(token) };
      return { token, session: await connectSession(foresight.url, {}, options) };
    };
    const streams = [
      await connect(one, "ann"),
      await connect(other, "bob"),
      await connect(one, "bob"),
      await connect(other, "cid"),
    ];
    const captions = await Promise.all(streams.map(async ({ session }, at) => {
      // The model says what it was asked: who has no rules cannot wait for that.
      const isAsked = () => /"/.test(String(session.of("result").at(-1)?.caption));
      await streamUntil(session, new Uint8Array([at]), () => at === 3 || isAsked());
      await streamUntil(session, new Uint8Array([at]), () => true);
      await session.glasses.leave();
      return session.of("result").map(({ caption }) => String(caption));
    }));
    const own = ["a dog", "a cat", "a cat", null];
    captions.forEach((all, at) => {
      const asked = new Set(all.flatMap((caption) => caption.match(/"[^"]*"/g) ?? []));
      assertEquals([...asked], own[at] ? [`"${own[at]}"`] : [], String(all));
    });
    for (const [at, { token, session }] of streams.entries()) {
      const { session: id } = session.hello;
      const headers = bearing(token);
      const response = await fetch(`${one.url}/sessions/${id}/chunks?limit=500`, { headers });
      const { items } = await response.json() as { items: { answers?: { yes: boolean }[] }[] };
      const answers = items.flatMap(({ answers }) => answers ?? []);
      assertEquals(answers.length > 0, own[at] !== null);
      assert(answers.every(({ yes }) => yes));
    }
  }));

/** A class that says what it was asked, and yes to all. */
const ECHO = {
  ...EYES,
  methods: {
    infer_chunk: {
      ...EYES.methods.infer_chunk!,
      call: ({ questions }: Readonly<Record<string, unknown>>) => ({
        caption: `asked ${(questions as Question[]).map(({ text }) => text)}`,
        answers: (questions as Question[]).map(({ id }) => ({ id, yes: true, confidence: 1 })),
      }),
    },
  },
};
