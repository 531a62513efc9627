/**
 * Clients whose camera is paused, for tests of the routes.
 *
 * @module
 */
import { connectGlasses, type Glasses } from "../../dev/glasses.ts";
import { PROTOCOL_V2 } from "../../stream/wire_v2.ts";
import { MAGIC_WORD, type TestForesight } from "../_foresight.ts";
import { frame } from "./_vision.ts";

/** Pauses and unpauses in its wearer's name. */
export async function order(
  { fetch }: TestForesight,
  path: string,
  body?: unknown,
): Promise<{ status: number; answer: Record<string, unknown> }> {
  const init = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await fetch(path, { method: "POST", ...init });
  return { status: response.status, answer: await response.json() };
}

/** A client of either wire, told apart by what it hears of its frames. */
export interface Client {
  readonly glasses: Glasses;
  /** Sends a frame, and waits for its ack: `queued`, `paused` ... or, with v1, `acked`. */
  see(first: number): Promise<string>;
  /** Sends a frame, and waits for its caption. */
  hear(first: number): Promise<void>;
  /** Captions so far. */
  captions(): string[];
  /** Codes of notices so far. */
  notices(): unknown[];
}

/** Connects with either wire. */
export async function connectAs(
  version: 1 | 2,
  url: string,
  query: Readonly<Record<string, string>> = {},
): Promise<Client> {
  const protocol = version === 2 ? { protocol: PROTOCOL_V2 } : {};
  const glasses = await connectGlasses(url, { magicWord: MAGIC_WORD, query, ...protocol });
  let sent = 0;
  const isAck = (ack: Record<string, unknown>) => version === 1 || ack.type === "ack";
  const see = async (first: number) => {
    const number = ++sent;
    glasses.send(frame(first));
    const ack: Record<string, unknown> = await glasses.heard((ack) =>
      isAck(ack) && ack.frame === number
    );
    return String(ack.reason ?? ack.status ?? "acked");
  };
  return {
    glasses,
    see,
    async hear(first) {
      await see(first);
      await glasses.heard(({ caption }) => String(caption).startsWith(`saw ${first} `));
    },
    captions: () => glasses.acks.flatMap(({ caption }) => caption ? [String(caption)] : []),
    notices: () => glasses.acks.flatMap(({ type, code }) => type === "notice" ? [code] : []),
  };
}

/** Waits for real time to pass. */
export function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
