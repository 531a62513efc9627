/**
 * HTTP requests that bring what opens the server.
 *
 * @module
 */
import { type Access, isTokenTrouble, Keyring } from "./access.ts";
import { type Platform, platformWith } from "./platform.ts";
import { refusalOf, Refused } from "./refused.ts";

const FORBIDDEN = 403;

/** What an address says; undefined and null are left out. */
export type Query = Readonly<Record<string, string | number | null | undefined>>;

/** What all requests share. */
export interface RequestsOptions {
  /** `https://host` of the server. */
  readonly url: string;
  readonly access: Access;
  readonly platform?: Partial<Platform>;
}

/** What one request says beside its path. */
export interface RequestOptions {
  readonly query?: Query;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** Makes requests of one server. */
export class Requests {
  readonly platform: Platform;
  readonly #base: string;
  readonly #keyring: Keyring;

  constructor({ url, access, platform }: RequestsOptions) {
    this.platform = platformWith(platform);
    this.#base = url.replace(/^ws/, "http");
    this.#keyring = new Keyring(access);
  }

  /**
   * Makes a request, once more with another token where the first is good no more.
   *
   * @throws {Refused} if the server answers with an error
   */
  async send(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
    for (let tries = 1;; tries++) {
      const brought = await this.#keyring.forRequest();
      if (brought === null) throw new Refused(0, "there is no token to bring");
      const response = await this.#fetch(method, path, options, brought);
      if (response.ok) return response;
      const refusal = await refusalOf(response);
      const mayRenew = tries === 1 && refusal.status === FORBIDDEN &&
        isTokenTrouble(refusal.detail);
      if (!mayRenew || !await this.#keyring.renew(brought)) throw refusal;
    }
  }

  /** The same for an answer in JSON. */
  async json<T>(method: string, path: string, options?: RequestOptions): Promise<T> {
    return await (await this.send(method, path, options)).json();
  }

  /** The same where the answer says nothing. */
  async done(method: string, path: string): Promise<void> {
    await (await this.send(method, path)).body?.cancel();
  }

  #fetch(
    method: string,
    path: string,
    { query, headers, body, signal }: RequestOptions,
    brought: { headers: Readonly<Record<string, string>>; query: Readonly<Record<string, string>> },
  ): Promise<Response> {
    const url = new URL(path, this.#base);
    for (const [name, value] of Object.entries({ ...query, ...brought.query })) {
      if (value !== undefined && value !== null) url.searchParams.set(name, String(value));
    }
    return this.platform.fetch(url.href, {
      method,
      headers: {
        ...brought.headers,
        ...headers,
        ...body !== undefined && { "content-type": "application/json" },
      },
      ...body !== undefined && { body: JSON.stringify(body) },
      ...signal && { signal },
    });
  }
}

/** An address of which `name` is a part, whatever it consists of. */
export function at(...parts: readonly string[]): string {
  return `/${parts.map(encodeURIComponent).join("/")}`;
}
