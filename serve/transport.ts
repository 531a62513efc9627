/**
 * Where the application listens: an HTTP server together with the WebSockets that belong to it.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import type { Upgrade } from "../stream/socket.ts";

/** The ways to serve. `ARCHITECTURE.md` says what tells them apart. */
export type TransportName = "ws" | "native";

/** The application, as a server sees it. */
export type Fetch = (request: Request) => Response | Promise<Response>;

/** A server that listens. */
export interface Server {
  /** `http://host:port` as clients on this machine reach it. */
  readonly url: string;
  /**
   * Takes no new connections and ends the idle ones; resolves when the requests that run have been
   * answered. Open sockets must be closed before.
   */
  shutdown(): Promise<void>;
}

/** Where to listen; port 0 takes a free one. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** An HTTP server that can upgrade. */
export interface Transport {
  /** Upgrades requests that the server of this transport has received, and no other. */
  readonly upgrade: Upgrade;
  /** @throws {Error} if the port cannot be had */
  listen(address: Address, fetch: Fetch): Promise<Server>;
}

/** What a transport is made of. */
export interface TransportOptions {
  /** Hears what a socket's listener threw. */
  readonly failed: (error: unknown) => void;
  /** Larger messages need not be read to the end. 0: off. */
  readonly maxFrameBytes: number;
  readonly clock: Clock;
}

/** Makes a transport. Only its own libraries are loaded: on Deno Deploy `ws` need not even load. */
export async function createTransport(
  name: TransportName,
  options: TransportOptions,
): Promise<Transport> {
  switch (name) {
    case "ws":
      return (await import("./ws.ts")).createWsTransport(options);
    case "native":
      return (await import("./native.ts")).createNativeTransport(options);
  }
}

/** A server's own address for a client on the same machine. */
export function urlOf(hostname: string, port: number): string {
  const isAnyAddress = hostname === "0.0.0.0" || hostname === "::";
  const host = isAnyAddress ? "127.0.0.1" : hostname.includes(":") ? `[${hostname}]` : hostname;
  return `http://${host}:${port}`;
}
