/**
 * Who is signed in. What opens the server stays in this tab: never in an address, and gone with it.
 *
 * @module
 */
import { effect, signal } from "@preact/signals";
import type { Access } from "../client/access.ts";

/** What was given to get in. */
export type Entry = Access & ({ readonly kind: "word" } | { readonly token: string });

const KEY = "foresight.entry";
/** How every token begins (SPEC A5); a magic word may be anything else. */
const TOKEN = /^fs1\./;

/** Null: nobody. */
export const entry = signal<Entry | null>(kept());

effect(() => {
  if (entry.value === null) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, JSON.stringify(entry.value));
});

/** What somebody typed, as a magic word or a token. */
export function entryOf(text: string): Entry {
  const given = text.trim();
  return TOKEN.test(given) ? { kind: "token", token: given } : { kind: "word", word: given };
}

function kept(): Entry | null {
  const text = sessionStorage.getItem(KEY);
  return text === null ? null : JSON.parse(text);
}
