/**
 * What all calls to Modal share: one connection over `fetch`, one login for an identity, and the
 * knowledge of what still runs.
 *
 * @module
 */
import { type Clock, withDeadline } from "../clock.ts";
import { createAuthToken } from "./_auth_token.ts";
import type { Rpc, RpcClient } from "./_call_scope.ts";
import type { ModelIdentity } from "./client.ts";
import { createGrpcFetchClient } from "./_grpc_fetch.ts";

const LOGIN_TIMEOUT_MS = 10_000;
/** What the SDK says of itself in each call; read off its `src/client.ts`, 0.11.1. */
const CLIENT_TYPE_JS = "8";
const CLIENT_VERSION = "1.0.0";

/** Where Modal is. */
export interface ModalTransportOptions {
  readonly serverUrl: string;
  readonly clock: Clock;
  readonly newId: () => string;
}

/** What all calls of the process share. */
export class ModalTransport {
  readonly #options: ModalTransportOptions;
  readonly #http: Deno.HttpClient | null;
  readonly #lingering = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();

  constructor(options: ModalTransportOptions) {
    this.#options = options;
    // Cleartext HTTP/2 has to be asked for; over TLS it is negotiated.
    this.#http = options.serverUrl.startsWith("http:")
      ? Deno.createHttpClient({ http1: false, http2: true })
      : null;
  }

  /** Aborts when the process lets go of Modal. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Remembers what may go on when nobody waits for it any more. It must not reject. */
  readonly lingers = (call: Promise<unknown>): void => {
    this.#lingering.add(call);
    call.finally(() => this.#lingering.delete(call));
  };

  /** Dials planes over `fetch`; the login is the control plane's and good for all. */
  fetchDialer(identity: ModelIdentity, sdkVersion: string): (url: string) => RpcClient {
    const { serverUrl, clock, newId } = this.#options;
    const metadata = {
      "x-modal-client-type": CLIENT_TYPE_JS,
      "x-modal-client-version": CLIENT_VERSION,
      "x-modal-libmodal-version": `modal-js/${sdkVersion}`,
      "x-modal-token-id": identity.tokenId,
      "x-modal-token-secret": identity.tokenSecret,
    };
    const dial = (url: string) =>
      createGrpcFetchClient({
        serverUrl: url,
        clock,
        newId,
        fetch: (input, init) => fetch(input, this.#http ? { ...init, client: this.#http } : init),
        metadata: async (method) =>
          method === "authTokenGet"
            ? metadata
            : { ...metadata, "x-modal-auth-token": await authToken() },
      });
    const { authTokenGet } = dial(serverUrl) as { authTokenGet: Rpc };
    const authToken = createAuthToken(
      () =>
        withDeadline(clock, LOGIN_TIMEOUT_MS, null, async (signal) => {
          return String((await authTokenGet({}, { signal })).token);
        }),
      clock,
    );
    return dial;
  }

  /** Ends what nobody waits for; resolves when it has ended, and the connection with it. */
  async close(): Promise<void> {
    this.#closing.abort(new Error("Foresight is going away"));
    while (this.#lingering.size > 0) await Promise.all(this.#lingering);
    this.#http?.close();
  }
}
