/**
 * A Foresight with a Poke that notes by whose key messages come, for tests of Poke keys.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { Environment } from "../../config.ts";
import { type TestForesight, withForesight } from "../_foresight.ts";
import { type SunkRequest, withPokeSink } from "../messaging/_poke_sink.ts";
import { bearing, type Issued } from "./_wearers.ts";

export const ANNS_KEY = "pk_ann+key/do-not=tell";
export const BOBS_KEY = "bob-key~do!not?tell";
export const HOUSE_KEY = "sk-house-do-not-tell";
export const NOT_SET = { set: false, usable: false, since: null };

/** Runs `use` with a Poke that notes who sends what. */
export function withPoke(
  settings: Environment,
  use: (foresight: TestForesight, received: SunkRequest[]) => Promise<void>,
  kv?: Deno.Kv,
): Promise<void> {
  return withPokeSink(() => Response.json({ ok: true }), (url, received) => {
    const all = { FORESIGHT_POKE_URL: url, FORESIGHT_POKE_API_KEY: HOUSE_KEY, ...settings };
    return withForesight(all, (foresight) => use(foresight, received), kv ? { kv } : {});
  });
}

/** What Poke got: the key and the text of each message. */
export function sentIn(received: readonly SunkRequest[]): [string | null, string][] {
  return received.map(({ headers, body }) => [
    headers.get("authorization")?.replace("Bearer ", "") ?? null,
    JSON.parse(body).message,
  ]);
}

/** Sets the key as the operator; a text goes as it is. */
export async function put({ fetch }: TestForesight, wearer: string, body: unknown) {
  const response = await fetch(`/wearers/${wearer}/poke-key`, {
    method: "PUT",
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
}

/** What is told of the key. */
export async function described({ fetch }: TestForesight, wearer: string) {
  const response = await fetch(`/wearers/${wearer}/poke-key`);
  assertEquals(response.status, 200);
  return await response.json();
}

/** Sends a message as who has the token. */
export async function send({ url }: TestForesight, bearer: Issued, text: string) {
  const body = JSON.stringify({ message: text });
  const response = await fetch(`${url}/poke/send`, {
    method: "POST",
    headers: bearing(bearer),
    body,
  });
  return { status: response.status, answer: await response.json() };
}

let said = 0;

/** Writes a message of the wearer as a rule does, and answers what became of it. */
export async function say(
  { kv, outbox }: TestForesight,
  wearer: string,
  text: string,
  channel = "poke",
) {
  const commit = kv.atomic();
  const at = said++;
  const cause = { kind: "rule", id: "stove" };
  const id = await outbox.enqueue(commit, { wearer, channel, text, cause, atMs: at, name: "x" });
  await commit.commit();
  outbox.wake(wearer);
  await outbox.quiet();
  const { state } = (await outbox.store.get(wearer, id))!;
  return "cause" in state ? [state.kind, state.cause] : [state.kind];
}

/** All that KV and the log hold, as one text in which bytes are characters. */
export async function traces({ kv, logged }: TestForesight): Promise<string> {
  const entries = await Array.fromAsync(kv.list({ prefix: [] }));
  return [...entries.map(({ key, value }) => textOf([key, value])), JSON.stringify(logged)].join();
}

function textOf(value: unknown): string {
  if (value instanceof Uint8Array) return new TextDecoder("latin1").decode(value);
  if (typeof value !== "object" || value === null) return String(value);
  return Object.entries(value).map(([name, inner]) => `${name} ${textOf(inner)}`).join("\n");
}

/** That none of them is there, however it is spelled. */
export function assertNotIn(text: string, ...secrets: readonly string[]): void {
  for (const secret of secrets) {
    const bytes = new TextEncoder().encode(secret);
    for (const spelling of [secret, bytes.toBase64(), bytes.toHex(), encodeURIComponent(secret)]) {
      assert(!text.includes(spelling), text);
    }
  }
}

/** The same KV, where something happens each time a Poke key has been read. */
export function asKeysAreRead(kv: Deno.Kv, then: () => Promise<void>): Deno.Kv {
  return new Proxy(kv, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (name !== "get") return typeof member === "function" ? member.bind(target) : member;
      return async (...asked: Parameters<Deno.Kv["get"]>) => {
        const entry = await target.get(...asked);
        if (asked[0].at(-1) === "poke_key") await then();
        return entry;
      };
    },
  });
}
