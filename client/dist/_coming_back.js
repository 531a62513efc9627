




import {                   isTokenTrouble,              } from "./access.js";
import {               backOffMs } from "./_back_off.js";



const STEADY_MS = 5_000;

const MAX_RENEWALS = 2;







export class ComingBack {
           #options                                                              ;
           #keyring         ;
           #random              ;
  #failures = 0;
  #takeovers = 0;
  #renewals = 0;

  constructor(
    options                                                              ,
    keyring         ,
    random              ,
  ) {
    this.#options = options;
    this.#keyring = keyring;
    this.#random = random;
  }


  get failures()         {
    return this.#failures;
  }





  async after(verdict         , stoodMs               , brought             )                {
    if (stoodMs !== null) this.#renewals = 0;
    if (stoodMs !== null && stoodMs >= STEADY_MS) this.#failures = this.#takeovers = 0;
    this.#failures++;
    switch (verdict.kind) {
      case "over":
        return verdict;
      case "renew":
        return await this.#renew(verdict.status, verdict.detail, brought);
      case "taken_over":
        if (++this.#takeovers > this.#options.maxTakeovers) {
          return { kind: "over", why: { kind: "taken_over" } };
        }
        return this.#wait(verdict.reason);
      case "too_large":
        return this.#wait(verdict.reason);
      case "again":
        return this.#wait(verdict.reason, verdict.atLeastMs);
    }
  }


  withoutToken(error         )       {
    this.#failures++;
    return this.#wait(`no token could be had: ${error}`);
  }

  async #renew(status        , detail        , brought             )                {
    const refused       = { kind: "over", why: { kind: "refused", status, detail } };
    if (!isTokenTrouble(detail) || ++this.#renewals > MAX_RENEWALS) return refused;
    try {
      return await this.#keyring.renew(brought) ? this.#wait(detail) : refused;
    } catch (error) {
      this.#renewals--;
      return this.withoutToken(error);
    }
  }

  #wait(reason        , atLeastMs = 0)       {
    const delayMs = backOffMs(this.#options.backOff, this.#failures, this.#random());
    return { kind: "wait", delayMs: Math.max(delayMs, atLeastMs), reason };
  }
}
