/**
 * What is said to whoever listens, as async iterators.
 *
 * @module
 */

interface Listener<T> {
  say(value: T): void;
  end(): void;
}

/** One source, any number of listeners. */
export class Feed<T> {
  readonly #maxUnread: number;
  readonly #listeners = new Set<Listener<T>>();
  #isOver = false;

  /** @param maxUnread of one listener; the oldest is left out beyond that */
  constructor(maxUnread = Infinity) {
    this.#maxUnread = maxUnread;
  }

  /** Says it to all who listen now. */
  say(value: T): void {
    for (const listener of this.#listeners) listener.say(value);
  }

  /** Nothing more is said; what was said can still be read. */
  end(): void {
    this.#isOver = true;
    for (const listener of this.#listeners) listener.end();
    this.#listeners.clear();
  }

  /** Listens from this call on, also before the first value is asked for. */
  listen(): AsyncIterableIterator<T> {
    const unread: T[] = [];
    let asking: PromiseWithResolvers<IteratorResult<T>>[] = [];
    let isOver = this.#isOver;
    const maxUnread = this.#maxUnread;
    const listener: Listener<T> = {
      say(value) {
        const first = asking.shift();
        if (first) return first.resolve({ done: false, value });
        unread.push(value);
        if (unread.length > maxUnread) unread.shift();
      },
      end() {
        isOver = true;
        for (const { resolve } of asking) resolve({ done: true, value: undefined });
        asking = [];
      },
    };
    if (!isOver) this.#listeners.add(listener);
    const listeners = this.#listeners;
    return {
      next() {
        if (unread.length > 0) return Promise.resolve({ done: false, value: unread.shift()! });
        if (isOver) return Promise.resolve({ done: true, value: undefined });
        const asked = Promise.withResolvers<IteratorResult<T>>();
        asking.push(asked);
        return asked.promise;
      },
      return() {
        listeners.delete(listener);
        unread.length = 0;
        listener.end();
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }
}
