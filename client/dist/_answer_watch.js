








export class AnswerWatch {
           #clock       ;
           #line      ;
           #timeoutMs        ;
  #cancel                      = null;

  constructor(clock       , line      , timeoutMs        ) {
    this.#clock = clock;
    this.#line = line;
    this.#timeoutMs = timeoutMs;
  }


  expect(timeoutMs = this.#timeoutMs)       {
    if (this.#cancel) return;
    const bufferedBytes = this.#line.bufferedBytes;
    this.#cancel = this.#clock.after(timeoutMs, () => {
      this.#cancel = null;
      // A slow network that still takes something is not a dead one.
      if (this.#line.bufferedBytes < bufferedBytes) return this.expect(timeoutMs);
      this.#line.giveUp(`nothing was heard for ${timeoutMs} ms`);
    });
  }


  heard()       {
    this.#cancel?.();
    this.#cancel = null;
  }
}
