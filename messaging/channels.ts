/**
 * The ways out by their names.
 *
 * @module
 */
import { createFallback } from "./chain.ts";
import type { Channel } from "./channel.ts";

/** So many channels one after another, at most: each may use up its time-out. */
export const MAX_FALLBACKS = 3;

/** Finds channels. */
export interface Channels {
  /** What there is, without the fallbacks that can be made of it. */
  readonly names: readonly string[];
  /** `poke`, or `webhook,poke`: the second where the first certainly fails. Null: there is none. */
  named(name: string): Channel | null;
}

/** @param all by their names, which have no comma in them */
export function createChannels(all: Readonly<Record<string, Channel>>): Channels {
  return {
    names: Object.keys(all),
    named(name) {
      const parts = name.split(",");
      if (parts.length > MAX_FALLBACKS || new Set(parts).size < parts.length) return null;
      const members = parts.map((part) => Object.hasOwn(all, part) ? all[part]! : null);
      if (!members.every((member) => member !== null)) return null;
      return members.length === 1 ? members[0]! : createFallback(members);
    },
  };
}
