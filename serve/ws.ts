/**
 * `node:http` and `npm:ws`: what defends itself against hostile clients.
 *
 * @module
 */
import {
  createServer,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerOptions,
} from "node:http";
import type { AddressInfo, Socket as NetSocket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { WsSockets } from "../stream/ws_socket.ts";
import { Connections } from "./_connections.ts";
import { answerRaw } from "./_raw_response.ts";
import { type Fetch, type Transport, type TransportOptions, urlOf } from "./transport.ts";

const SERVER_OPTIONS: ServerOptions & {
  readonly shouldUpgradeCallback: (incoming: IncomingMessage) => boolean;
} = {
  // Offers to speak another protocol (h2c, by Java's client) are passed over, as HTTP allows.
  shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === "websocket",
};

/** Serves over `node:http`. */
export function createWsTransport(options: TransportOptions): Transport {
  const sockets = new WsSockets(options);
  return {
    upgrade: sockets.upgrade,
    async listen({ host, port }, fetch) {
      // The library would put classes of its own in the place of the global Request and Response.
      const listener = getRequestListener(fetch, { overrideGlobalObjects: false });
      const server = createServer(
        SERVER_OPTIONS,
        (incoming, outgoing) => void listener(incoming, outgoing),
      );
      const connections = new Connections(server);
      server.on("upgrade", (incoming, duplex, head) => {
        const socket = duplex as NetSocket;
        void answerUpgrade({ incoming, socket, head }, sockets, fetch, options);
      });
      await listening(server, host, port);
      const address = server.address() as AddressInfo;
      return {
        url: urlOf(address.address, address.port),
        shutdown: () => connections.close(options.clock),
      };
    },
  };
}

/** Runs the application on the request: it decides, before anything is upgraded (WIRE A3). */
async function answerUpgrade(
  handshake: Parameters<WsSockets["offer"]>[1],
  sockets: WsSockets,
  fetch: Fetch,
  { failed, clock }: TransportOptions,
): Promise<void> {
  const { incoming, socket } = handshake;
  const leaving = new AbortController();
  const left = () => leaving.abort();
  // Without a listener an error would end the process.
  socket.on("error", () => {});
  socket.once("close", left);
  try {
    const request = requestOf(incoming, leaving.signal);
    if (!request) return await answerRaw(socket, new Response(null, { status: 400 }), clock);
    sockets.offer(request, handshake);
    const response = await fetch(request);
    if (!sockets.complete(response)) await answerRaw(socket, response, clock);
  } catch (error) {
    failed(error);
    socket.destroy();
  } finally {
    socket.off("close", left);
  }
}

/** The request as the application takes it; null if it makes no sense. It has no body. */
function requestOf(
  { url, headers, rawHeaders, method }: IncomingMessage,
  signal: AbortSignal,
): Request | null {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    pairs.push([rawHeaders[at]!, rawHeaders[at + 1]!]);
  }
  const address = URL.parse(`http://${headers.host ?? "localhost"}${url}`);
  try {
    return address && new Request(address, { method: method ?? "GET", headers: pairs, signal });
  } catch {
    return null;
  }
}

function listening(server: HttpServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
