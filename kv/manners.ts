/**
 * How a wearer wants to be spoken to, in the books.
 *
 * @module
 */
import { type Manners, mannersKey, type MannersRecord } from "./firing_keys.ts";

/** Whoever has said nothing. */
export const DEFAULT_MANNERS: Manners = { quietHours: null, maxPerDay: 50 };

/** The manners of all wearers. Every method rejects with KV's own error. */
export interface MannersBook {
  get(wearer: string): Promise<Manners>;
  put(wearer: string, manners: Manners): Promise<void>;
}

/** Opens the book; it holds nothing of its own. */
export function openMannersBook(kv: Deno.Kv): MannersBook {
  return {
    async get(wearer) {
      const { value } = await kv.get<MannersRecord>(mannersKey(wearer));
      return value ?? DEFAULT_MANNERS;
    },
    async put(wearer, { quietHours, maxPerDay }) {
      const record: MannersRecord = { quietHours, maxPerDay, version: 1, expiresAtMs: null };
      await kv.set(mannersKey(wearer), record);
    },
  };
}
