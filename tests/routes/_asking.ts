/**
 * A Foresight whose model can write, and what it was asked.
 *
 * @module
 */
import type { Environment } from "../../config.ts";
import type { ChatMessage } from "../../inference/client.ts";
import type { LocalMethod } from "../../modal/local/classes.ts";
import { GENERATE_PARAMETERS } from "../../modal/local/generate.ts";
import type { LocalModal } from "../../modal/local/server.ts";
import type { TestForesight } from "../_foresight.ts";
import { EYES, withModal } from "./_vision.ts";

/** What the model says to a prompt; what it throws it raises. */
export type Say = (prompt: string, signal: AbortSignal) => unknown;

/** The body of an answer. */
export interface AskAnswer {
  readonly status: number;
  // deno-lint-ignore no-explicit-any
  readonly detail?: any;
  readonly outcome?: string;
  readonly answer?: string | null;
  readonly reason?: string | null;
  readonly citations?: readonly string[];
  // deno-lint-ignore no-explicit-any
  readonly segments?: readonly any[];
}

/** A class that writes, deployed in place of what was. */
export function deployWriter(modal: LocalModal, say: Say): void {
  const generate: LocalMethod = {
    parameters: GENERATE_PARAMETERS,
    call: ({ messages }, signal) => say((messages as ChatMessage[])[0]!.content, signal),
  };
  modal.deploy({ ...EYES, methods: { ...EYES.methods, generate } });
}

/** Runs `use` with a model that writes so. */
export function withWriter(
  say: Say,
  use: (foresight: TestForesight, modal: LocalModal) => Promise<void>,
  settings: Environment = {},
  replaced: { readonly kv?: Deno.Kv } = {},
): Promise<void> {
  return withModal(settings, async (foresight, modal) => {
    deployWriter(modal, say);
    await use(foresight, modal);
  }, replaced);
}

/** Asks with the magic word, unless the headers bring a token. */
export async function askPast(
  { url, fetch: fetchInside }: TestForesight,
  body: unknown,
  headers?: Record<string, string>,
): Promise<AskAnswer> {
  const init = { method: "POST", body: JSON.stringify(body) };
  const response = headers
    ? await fetch(`${url}/ask`, { ...init, headers })
    : await fetchInside("/ask", init);
  return { status: response.status, ...await response.json() };
}

/** The notes of a prompt: what stands behind each number. */
export function notesIn(prompt: string): string[] {
  return [...prompt.matchAll(/^\[(\d+)\] .*$/gm)].map(([note]) => note);
}
