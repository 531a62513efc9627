








export class Place {
  #remembered                   ;

  constructor(remembered                   ) {
    this.#remembered = remembered;
  }


  get remembered()                    {
    return this.#remembered;
  }


  get claim()                         {
    const remembered = this.#remembered;
    return remembered ? { ...remembered, cursor: String(remembered.cursor) } : {};
  }


  greet({ session, resume }       )          {
    const isNew = this.#remembered?.session !== session;
    this.#remembered = { session, resume, cursor: isNew ? 0 : this.#remembered .cursor };
    return isNew;
  }


  hear({ cursor }        )                               {
    const heard = this.#remembered ;
    if (cursor <= heard.cursor) return "known";
    if (cursor > heard.cursor + 1) return "too far";
    this.#remembered = { ...heard, cursor };
    return "next";
  }
}
