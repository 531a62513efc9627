/**
 * `Deno.serve` and `Deno.upgradeWebSocket`.
 *
 * @module
 */
import { createNativeUpgrade } from "../stream/native_socket.ts";
import { type Transport, type TransportOptions, urlOf } from "./transport.ts";

/** Serves natively. */
export function createNativeTransport({ failed, clock }: TransportOptions): Transport {
  return {
    upgrade: createNativeUpgrade(failed, clock),
    listen({ host, port }, fetch) {
      const options = { port, hostname: host, onListen() {} };
      const server = Deno.serve(options, (request) => fetch(request));
      return Promise.resolve({
        url: urlOf(server.addr.hostname, server.addr.port),
        shutdown: () => server.shutdown(),
      });
    },
  };
}
