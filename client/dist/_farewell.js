







export class Farewell {
  #state                                   = "not wished";


  get isWished()          {
    return this.#state !== "not wished";
  }


  get isSaid()          {
    return this.#state === "said";
  }

  wish()       {
    if (this.#state === "not wished") this.#state = "wished";
  }


  say(line             )          {
    if (this.#state !== "wished" || !line?.isReady) return false;
    this.#state = "said";
    line.send(JSON.stringify({ type: "bye" }));
    return true;
  }


  again()       {
    if (this.#state === "said") this.#state = "wished";
  }
}
