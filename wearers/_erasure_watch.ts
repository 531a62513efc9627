/**
 * Hearing that a wearer is being erased, by whatever process.
 *
 * @module
 */
import type { Cancel, Clock } from "../clock.ts";
import { erasingKey } from "../kv/erasing_keys.ts";

/** How often the marks of wearers are looked for who have something open here. */
export const LOOK_MS = 1_000;
/** KV reads so many keys at once. */
const MAX_KEYS_READ = 10;

/** Those who want to hear of it, by wearer. Holds a timer while there are any. */
export class ErasureWatch {
  readonly #kv: Deno.Kv;
  readonly #clock: Clock;
  readonly #watches = new Map<string, Set<() => void>>();
  #cancelLook: Cancel | null = null;
  #isClosed = false;

  constructor({ kv, clock }: { readonly kv: Deno.Kv; readonly clock: Clock }) {
    this.#kv = kv;
    this.#clock = clock;
  }

  /** Calls `ended` once, when the wearer is being erased; until cancelled. */
  add(wearer: string, ended: () => void): Cancel {
    const watches = this.#watches.get(wearer) ?? new Set();
    // A wrapper, so that the same function may wait twice.
    const watch = () => ended();
    this.#watches.set(wearer, watches.add(watch));
    if (!this.#isClosed) this.#cancelLook ??= this.#clock.after(LOOK_MS, () => this.#look());
    return () => {
      watches.delete(watch);
      if (watches.size === 0 && this.#watches.get(wearer) === watches) this.#watches.delete(wearer);
      if (this.#watches.size === 0) this.#stop();
    };
  }

  /** The wearer is being erased. */
  tell(wearer: string): void {
    const watches = [...this.#watches.get(wearer) ?? []];
    this.#watches.delete(wearer);
    if (this.#watches.size === 0) this.#stop();
    for (const watch of watches) watch();
  }

  /** Whether the mark is there; where KV cannot say, it is not. */
  async isErasing(wearer: string): Promise<boolean> {
    const found = await this.#kv.get(erasingKey(wearer)).catch(() => null);
    return found !== null && found.value !== null;
  }

  close(): void {
    this.#isClosed = true;
    this.#stop();
  }

  async #look(): Promise<void> {
    const wearers = [...this.#watches.keys()];
    for (let at = 0; at < wearers.length; at += MAX_KEYS_READ) {
      const some = wearers.slice(at, at + MAX_KEYS_READ);
      // Where KV cannot be read, nothing comes into it either.
      const found = await this.#kv.getMany(some.map(erasingKey)).catch(() => []);
      found.forEach(({ value }, place) => value !== null && this.tell(some[place]!));
    }
    this.#cancelLook = null;
    if (this.#watches.size === 0 || this.#isClosed) return;
    this.#cancelLook = this.#clock.after(LOOK_MS, () => this.#look());
  }

  #stop(): void {
    this.#cancelLook?.();
    this.#cancelLook = null;
  }
}
