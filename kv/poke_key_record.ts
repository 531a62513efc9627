/**
 * A wearer's own Poke key, sealed.
 *
 * @module
 */
import { type Clock, withDeadline } from "../clock.ts";
import { until } from "./_until.ts";
import { type Stored, wearerPrefix } from "./keys.ts";
import type { Sealed } from "./sealing.ts";

/** Who sends or asks waits for KV no longer than that. */
const TIMEOUT_MS = 2_000;

/** What lies there. The key is in it for nobody who has the database alone. */
export interface PokeKeyRecord extends Stored, Sealed {
  readonly setAtMs: number;
}

/** Holds a {@link PokeKeyRecord}. */
export function pokeKeyKey(wearer: string): Deno.KvKey {
  return [...wearerPrefix(wearer), "poke_key"];
}

/** One wearer's record. Every method rejects with KV's own error, or when KV does not answer. */
export interface PokeKeyBook {
  get(): Promise<Deno.KvEntryMaybe<PokeKeyRecord>>;
  set(facts: Sealed & { readonly setAtMs: number }): Promise<void>;
  /** Puts it in the place of that entry; where that is not what lies there any more, nothing. */
  replace(
    entry: Deno.KvEntry<PokeKeyRecord>,
    facts: Sealed & { readonly setAtMs: number },
  ): Promise<boolean>;
  delete(): Promise<void>;
}

/** What a {@link PokeKeyBook} needs. */
export interface PokeKeyBookOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
}

/** Opens the book of one wearer; it holds nothing of its own and need not be closed. */
export function openPokeKeyBook({ kv, clock }: PokeKeyBookOptions, wearer: string): PokeKeyBook {
  const key = pokeKeyKey(wearer);
  const inTime = <T>(work: () => Promise<T>) =>
    withDeadline(clock, TIMEOUT_MS, null, (within) => until(within, work()));
  return {
    get: () => inTime(() => kv.get<PokeKeyRecord>(key)),
    set: (facts) => inTime(async () => void await kv.set(key, recordOf(facts))),
    replace: (entry, facts) =>
      inTime(async () => (await kv.atomic().check(entry).set(key, recordOf(facts)).commit()).ok),
    delete: () => inTime(() => kv.delete(key)),
  };
}

function recordOf(
  { keyId, sealed, setAtMs }: Sealed & { readonly setAtMs: number },
): PokeKeyRecord {
  return { version: 1, expiresAtMs: null, keyId, sealed, setAtMs };
}
