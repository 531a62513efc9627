







export class Pace {
           #clock       ;
           #perSecond        ;
           #burst        ;
  #permits        ;
  #filledAtMs        ;

  constructor(clock       , perSecond        , burst        ) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#burst = Math.max(1, burst);
    this.#permits = this.#burst;
    this.#filledAtMs = clock.monotonicMs();
  }


  take()         {
    if (this.#perSecond === 0) return 0;
    const nowMs = this.#clock.monotonicMs();
    const filled = this.#permits + (nowMs - this.#filledAtMs) * this.#perSecond / 1000;
    this.#filledAtMs = nowMs;
    this.#permits = Math.min(this.#burst, filled);
    if (this.#permits < 1) return Math.ceil((1 - this.#permits) * 1000 / this.#perSecond);
    this.#permits--;
    return 0;
  }
}
