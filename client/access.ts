/**
 * What opens the server: the magic word, or a wearer's token (SPEC A2, A5).
 *
 * @module
 */

/**
 * A token, or who gets one: asked before the first request with null, and again with the token that
 * was refused, because it has expired or was revoked. Null: there is no other. One that throws is
 * asked again later.
 */
export type TokenSource =
  | string
  | ((refused: string | null) => string | null | Promise<string | null>);

/** What a client brings. */
export type Access =
  | { readonly kind: "word"; readonly word: string }
  | {
    readonly kind: "token";
    readonly token: TokenSource;
    /** Where it stands in HTTP requests; `query` works where links lead (SPEC A15). */
    readonly place?: "header" | "query";
  };

/** What one request brings. */
export interface Credentials {
  /** Null: the magic word. */
  readonly token: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
}

/** Whether another token would help; one that lacks a scope is as good as it gets. */
export function isTokenTrouble(detail: string): boolean {
  return /^(the )?token (must|has expired|was revoked)\b/.test(detail);
}

/** Keeps what was given for as long as it is good. */
export class Keyring {
  readonly #access: Access;
  #token: string | null = null;
  #renewing: Promise<boolean> | null = null;

  constructor(access: Access) {
    this.#access = access;
  }

  /** For an HTTP request. Null: there is nothing to bring. */
  async forRequest(): Promise<Credentials | null> {
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

  /** For the address of a WebSocket, as browsers cannot set its headers. */
  async forAddress(): Promise<Credentials | null> {
    const access = this.#access;
    if (access.kind === "word") {
      return { token: null, headers: {}, query: { magic_word: access.word } };
    }
    const token = await this.#current(access.token);
    return token === null ? null : { token, headers: {}, query: { token } };
  }

  /** What was brought is refused. True: there is something else to bring by now. */
  renew(refused: Credentials): Promise<boolean> {
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

  async #current(source: TokenSource): Promise<string | null> {
    if (typeof source === "string") return source;
    return this.#token ??= await source(null);
  }
}
