/**
 * A Foresight whose rules fire: a model that sees what a frame's first byte says, and a receiver in
 * Poke's place.
 *
 * @module
 */
import { assert } from "@std/assert";
import type { Environment } from "../../config.ts";
import type { Question } from "../../inference/client.ts";
import { ANSWER_PARAMETERS } from "../../modal/local/answer.ts";
import type { LocalClass } from "../../modal/local/classes.ts";
import type { LocalModal } from "../../modal/local/server.ts";
import { type TestForesight, withForesight } from "../_foresight.ts";
import { type Receiver, startReceiver } from "../messaging/_channel_contract.ts";
import { connectSession, type Remembered, type SessionGlasses } from "./_session.ts";
import { EYES, frame, MODAL_SETTINGS, withModal } from "./_vision.ts";
import { bearing, type Issued } from "./_wearers.ts";

/** What a frame shows, by its first byte. */
export const SHOWN = ["nothing", "a dog", "a cat", "a sign"] as const;
export type Shown = typeof SHOWN[number];

/** A change of rules is heard within about a second; a busy machine adds to that. */
const PATIENCE_MS = 15_000;

/** What the model does beside what it sees. */
export interface Sight {
  /** What it says at a second look; null: what it sees. What it throws it raises. */
  look: ((question: string, shown: Shown) => string | Promise<string>) | null;
  caption: (shown: Shown) => string;
  /** The questions of all second looks. */
  readonly looks: string[];
}

/** All that a test holds. */
export interface FiringBench {
  readonly foresight: TestForesight;
  readonly modal: LocalModal;
  readonly receiver: Receiver;
  readonly sight: Sight;
  /** The texts that reached Poke. */
  said(): string[];
}

/** A model that says what it sees. */
export function createSight(): Sight {
  return { look: null, caption: (shown) => `There is ${shown}.`, looks: [] };
}

/** Runs `use` with a model that sees, and a Poke that listens. */
export async function withSight(
  use: (bench: FiringBench) => Promise<void>,
  settings: Environment = {},
  replaced: { readonly kv?: Deno.Kv } = {},
): Promise<void> {
  const receiver = startReceiver();
  const sight = createSight();
  const all = {
    FORESIGHT_POKE_URL: receiver.url,
    FORESIGHT_POKE_API_KEY: "sk-house",
    ...settings,
  };
  try {
    await withModal(all, async (foresight, modal) => {
      modal.deploy(seeing(sight));
      const said = () => receiver.received.map(({ body }) => String(JSON.parse(body).message));
      await use({ foresight, modal, receiver, sight, said });
    }, replaced);
  } finally {
    await receiver.close();
  }
}

/** Another process on the same books, model and Poke. */
export function withAnother(
  { foresight, modal, receiver }: FiringBench,
  use: (other: TestForesight) => Promise<void>,
): Promise<void> {
  const settings = {
    ...MODAL_SETTINGS,
    MODAL_SERVER_URL: modal.url,
    FORESIGHT_POKE_URL: receiver.url,
    FORESIGHT_POKE_API_KEY: "sk-house",
  };
  return withForesight(settings, use, { kv: foresight.kv });
}

/** The class that sees. */
export function seeing(sight: Sight): LocalClass {
  const shownIn = (frames: unknown) => SHOWN[(frames as Uint8Array[]).at(-1)![0]!] ?? "nothing";
  return {
    ...EYES,
    methods: {
      infer_chunk: {
        ...EYES.methods.infer_chunk!,
        call: ({ frames, questions }) => ({
          caption: sight.caption(shownIn(frames)),
          model: "eyes",
          answers: ((questions ?? []) as Question[]).map(({ id, text }) => ({
            id,
            yes: text.includes(`"${shownIn(frames)}"`),
            confidence: 0.99,
          })),
        }),
      },
      answer: {
        parameters: ANSWER_PARAMETERS,
        call: async ({ frames, question }) => {
          const shown = shownIn(frames);
          sight.looks.push(String(question));
          const isSo = String(question).includes(`"${shown}"`);
          const own = `${isSo ? "Yes" : "No"}, there is ${shown}.`;
          return { text: sight.look ? await sight.look(String(question), shown) : own };
        },
      },
    },
  };
}

/** A rule of the wearer, by default of the magic word: of no hold and cooldown. */
export async function addRule(
  { url, fetch: fetchInside }: Pick<TestForesight, "url" | "fetch">,
  body: Readonly<Record<string, unknown>>,
  token?: Issued,
): Promise<string> {
  const whole = { hold_s: 0, cooldown_s: 0, ...body };
  const init = { method: "POST", body: JSON.stringify(whole) };
  const response = token
    ? await fetch(`${url}/rules`, { ...init, headers: bearing(token) })
    : await fetchInside("/rules", init);
  const answer = await response.json();
  assert(response.status === 201, JSON.stringify(answer));
  return answer.id;
}

/** One event, as `GET /rules/{id}/events` tells it. */
// deno-lint-ignore no-explicit-any
export type ToldEvent = any;

/** The events of a rule, newest first. */
export async function eventsOf(
  { fetch }: Pick<TestForesight, "fetch">,
  ruleId: string,
  query = "",
): Promise<ToldEvent[]> {
  const response = await fetch(`/rules/${ruleId}/events${query}`);
  const answer = await response.json();
  assert(response.status === 200, JSON.stringify(answer));
  return answer.items;
}

/** Glasses that show things. */
export interface Showing {
  readonly session: SessionGlasses;
  /** Shows it so often, a chunk each. */
  show(shown: Shown, times?: number): Promise<void>;
  /** Shows it, a chunk each, until it fits. */
  showUntil(
    shown: Shown,
    fits: () => boolean | Promise<boolean>,
    patienceMs?: number,
  ): Promise<void>;
}

/** Where glasses connect to. */
export interface FiringPlace {
  readonly foresight: Pick<TestForesight, "url">;
  readonly modal: LocalModal;
}

/** Connects glasses, and shows something until so many questions are asked. */
export async function wearing(
  { foresight, modal }: FiringPlace,
  questionCount: number,
  { token, remembered = {}, shows = "nothing" }: {
    readonly token?: Issued;
    /** What is shown until the questions are asked. */
    readonly shows?: Shown;
    readonly remembered?: Partial<Remembered>;
  } = {},
): Promise<Showing> {
  const options = token ? { magicWord: "", headers: bearing(token) } : {};
  const session = await connectSession(foresight.url, remembered, options);
  let results = session.of("result").length + (session.hello.cursor - (remembered.cursor ?? 0));
  const show = async (shown: Shown, times = 1) => {
    for (let at = 0; at < times; at++) {
      session.glasses.send(frame(SHOWN.indexOf(shown)));
      const cursor = session.hello.cursor + ++results -
        (session.hello.cursor - (remembered.cursor ?? 0));
      await session.heard("result", (result) => result.cursor === cursor);
    }
  };
  const showUntil: Showing["showUntil"] = async (shown, fits, patienceMs = PATIENCE_MS) => {
    const untilMs = performance.now() + patienceMs;
    do {
      await show(shown);
      assert(performance.now() < untilMs, `${shown} was shown for long enough`);
      await new Promise((done) => setTimeout(done, 20));
    } while (!await fits());
  };
  const asked = () => {
    const { questions } = modal.seen.calls.findLast(({ args }) => "prompt" in args)!.args;
    return ((questions ?? []) as unknown[]).length;
  };
  await showUntil(shows, () => asked() === questionCount);
  return { session, show, showUntil };
}
