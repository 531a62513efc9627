

































export function isTokenTrouble(detail        )          {
  return /^(the )?token (must|has expired|was revoked)\b/.test(detail);
}


export class Keyring {
           #access        ;
  #token                = null;
  #renewing                          = null;

  constructor(access        ) {
    this.#access = access;
  }


  async forRequest()                              {
    const access = this.#access;
    if (access.kind === "word") {
      return { token: null, headers: { "x-magic-word": access.word }, query: {} };
    }
    const token = await this.#current(access.token);
    if (token === null) return null;
    return access.place === "query"
      ? { token, headers: {}, query: { token } }
      : { token, headers: { authorization: `Bearer ${token}` }, query: {} };
  }


  async forAddress()                              {
    const access = this.#access;
    if (access.kind === "word") {
      return { token: null, headers: {}, query: { magic_word: access.word } };
    }
    const token = await this.#current(access.token);
    return token === null ? null : { token, headers: {}, query: { token } };
  }


  renew(refused             )                   {
    const access = this.#access;
    if (access.kind === "word" || typeof access.token === "string") return Promise.resolve(false);
    if (this.#token !== null && this.#token !== refused.token) return Promise.resolve(true);
    const { token: source } = access;
    // Requests that are refused at once ask once.
    return this.#renewing ??= Promise.resolve().then(() => source(refused.token)).then((token) => {
      this.#token = token;
      return token !== null && token !== refused.token;
    }).finally(() => this.#renewing = null);
  }

  async #current(source             )                         {
    if (typeof source === "string") return source;
    return this.#token ??= await source(null);
  }
}
