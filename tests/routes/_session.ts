/**
 * A client of `foresight.v2` for tests: what it hears, by type.
 *
 * @module
 */
import { connectGlasses, type Glasses, type GlassesOptions } from "../../dev/glasses.ts";
import { PROTOCOL_V2 } from "../../stream/wire_v2.ts";
import { MAGIC_WORD, type TestForesight, withForesight } from "../_foresight.ts";
import type { Environment } from "../../config.ts";
import type { LocalModal } from "../../modal/local/server.ts";
import { MODAL_SETTINGS, withModal } from "./_vision.ts";

/** Any message of the server. */
export type Message = Readonly<Record<string, unknown>> & { readonly type: string };

/** What lets a client come back. */
export interface Remembered {
  readonly session: string;
  readonly resume: string;
  readonly cursor: number;
}

/** One connection of a client that knows sessions. */
export interface SessionGlasses {
  readonly glasses: Glasses;
  readonly hello: Message & { session: string; resume: string; frame: number; cursor: number };
  /** Messages of that type so far. */
  of(type: string): Message[];
  /** The first message of that type that fits. */
  heard(type: string, fits?: (message: Message) => boolean): Promise<Message>;
  say(message: Record<string, unknown>): void;
}

/** Connects, and waits for `hello`. */
export async function connectSession(
  url: string,
  remembered: Partial<Remembered> = {},
  options: Partial<GlassesOptions> = {},
): Promise<SessionGlasses> {
  const { session, resume, cursor } = remembered;
  const query = {
    ...session === undefined ? {} : { session },
    ...resume === undefined ? {} : { resume },
    ...cursor === undefined ? {} : { cursor: String(cursor) },
  };
  const glasses = await connectGlasses(url, {
    magicWord: MAGIC_WORD,
    protocol: PROTOCOL_V2,
    query,
    ...options,
  });
  const messages = () => glasses.acks as unknown as Message[];
  const heard = (type: string, fits: (message: Message) => boolean = () => true) =>
    glasses.heard((ack) => {
      const message = ack as unknown as Message;
      return message.type === type && fits(message);
    }) as unknown as Promise<Message>;
  const hello = await heard("hello") as SessionGlasses["hello"];
  return {
    glasses,
    hello,
    of: (type) => messages().filter((message) => message.type === type),
    heard,
    say: (message) => glasses.send(JSON.stringify(message)),
  };
}

/** Runs `use` with two Foresights on one KV and one Modal, as two processes of one deployment. */
export function withTwo(
  settings: Environment,
  use: (both: [TestForesight, TestForesight], modal: LocalModal) => Promise<void>,
): Promise<void> {
  return withModal(settings, (one, modal) => {
    const same = { MODAL_SERVER_URL: modal.url, ...MODAL_SETTINGS, ...settings };
    return withForesight(same, (other) => use([one, other], modal), { kv: one.kv });
  });
}
