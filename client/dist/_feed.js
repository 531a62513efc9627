











export class Feed    {
           #maxUnread        ;
           #listeners = new Set             ();
  #isOver = false;


  constructor(maxUnread = Infinity) {
    this.#maxUnread = maxUnread;
  }


  say(value   )       {
    for (const listener of this.#listeners) listener.say(value);
  }


  end()       {
    this.#isOver = true;
    for (const listener of this.#listeners) listener.end();
    this.#listeners.clear();
  }


  listen()                           {
    const unread      = [];
    let asking                                            = [];
    let isOver = this.#isOver;
    const maxUnread = this.#maxUnread;
    const listener              = {
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
        if (unread.length > 0) return Promise.resolve({ done: false, value: unread.shift()  });
        if (isOver) return Promise.resolve({ done: true, value: undefined });
        const asked = Promise.withResolvers                   ();
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
