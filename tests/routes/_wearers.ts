/**
 * Wearers with tokens, for tests of the routes.
 *
 * @module
 */
import type { TokenScope } from "../../kv/token_keys.ts";
import type { TestForesight } from "../_foresight.ts";

/** A token, as it is answered to who had it issued. */
export interface Issued {
  readonly token: string;
  readonly id: string;
  readonly wearer: string;
  readonly scopes: readonly TokenScope[];
  readonly expires_at: string;
  readonly label: string | null;
}

/** Has a token issued by the operator. */
export async function issueToken(
  { fetch }: TestForesight,
  wearer: string,
  scopes: readonly TokenScope[],
  more: Readonly<Record<string, unknown>> = {},
): Promise<Issued> {
  const body = JSON.stringify({ scopes, expires_in_s: 600, ...more });
  const response = await fetch(`/wearers/${wearer}/tokens`, { method: "POST", body });
  const answer = await response.json();
  if (response.status !== 201) throw new Error(JSON.stringify(answer));
  return answer;
}

/** Gives the wearer a phone to be reached at. */
export async function keepPokeKey(
  { fetch }: TestForesight,
  wearer: string,
  key: string,
): Promise<void> {
  const body = JSON.stringify({ key });
  const response = await fetch(`/wearers/${wearer}/poke-key`, { method: "PUT", body });
  const answer = await response.text();
  if (response.status !== 200) throw new Error(answer);
}

/** The header that brings it. */
export function bearing({ token }: Pick<Issued, "token">): { authorization: string } {
  return { authorization: `Bearer ${token}` };
}

/** `fetch` with a token in place of the magic word: answers status and body. */
export async function ask(
  { url }: TestForesight,
  token: Pick<Issued, "token">,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; text: string; detail: unknown }> {
  const response = await fetch(url + path, {
    method,
    headers: bearing(token),
    ...body === undefined ? {} : { body: JSON.stringify(body) },
  });
  const text = await response.text();
  return { status: response.status, text, detail: detailOf(text) };
}

function detailOf(text: string): unknown {
  try {
    return JSON.parse(text).detail;
  } catch {
    return undefined;
  }
}
