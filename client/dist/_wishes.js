






import { Pace } from "./_pace.js";




const WISHES_PER_SECOND = 8;
const BURST = 16;










export class Wishes {
           #clock       ;
           #asked = new Map                                       ();
  #line              = null;
  #pace      ;
  #unsaid         = [];
  #cancelLook             = () => {};
  #questions = 0;
  #lookFor                 = null;
  #isPaused = false;

  constructor(clock       ) {
    this.#clock = clock;
    this.#pace = new Pace(clock, WISHES_PER_SECOND, BURST);
  }


  get hasLook()          {
    return this.#lookFor !== null;
  }


  get areSaid()          {
    return this.#unsaid.length === 0;
  }


  open(line      )       {
    this.#line = line;
    this.#pace = new Pace(this.#clock, WISHES_PER_SECOND, BURST);
    if (this.#lookFor) this.#say({ type: "prompt", ...this.#lookFor });
    if (this.#isPaused) this.#say({ type: "pause" });
  }


  close(reason        )       {
    this.#line = null;
    this.#cancelLook();
    this.#unsaid = [];
    for (const settle of this.#asked.values()) settle({ kind: "failed", reason });
    this.#asked.clear();
  }

  lookFor(wanted         )       {
    this.#lookFor = wanted;
    if (this.#line) this.#say({ type: "prompt", ...wanted });
  }

  pause(isPaused         )       {
    this.#isPaused = isPaused;
    if (this.#line) this.#say({ type: isPaused ? "pause" : "unpause" });
  }

  ask(question        )                      {
    if (!this.#line) return Promise.resolve({ kind: "failed", reason: "there is no connection" });
    const id = `q${++this.#questions}`;
    const { promise, resolve } = Promise.withResolvers            ();
    this.#asked.set(id, resolve);
    this.#say({ type: "ask", id, question });
    return promise;
  }


  answered(message                    )       {
    const settle = this.#asked.get(message.id ?? "");
    this.#asked.delete(message.id ?? "");
    settle?.(
      message.type === "answer"
        ? { kind: "answered", text: message.text, latencyMs: message.latency_ms }
        : { kind: "failed", reason: message.message },
    );
  }

  #say(wish      )       {
    this.#unsaid.push(wish);
    this.#sayAll();
  }

  #sayAll()       {
    this.#cancelLook();
    while (this.#unsaid[0] && this.#line?.isReady) {
      const waitMs = this.#pace.take();
      if (waitMs > 0) {
        this.#cancelLook = this.#clock.after(waitMs, () => this.#sayAll());
        return;
      }
      this.#line.send(JSON.stringify(this.#unsaid.shift()));
    }
  }
}
