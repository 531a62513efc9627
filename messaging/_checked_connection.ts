/**
 * Connections to addresses that somebody else has chosen: to no other IP address than one that was
 * checked.
 *
 * A name is looked up once, what it leads to is checked, and that very IP address is connected to. So
 * a name that leads elsewhere a moment later (DNS rebinding) leads nowhere; with TLS the certificate
 * still has to be the name's. `fetch` cannot do that: it looks names up by itself.
 *
 * @module
 */
import { lookup as systemLookup } from "node:dns";
import { isIP } from "node:net";
import { hostOf } from "./webhook_address.ts";

const PORTS: Readonly<Record<string, number>> = { "https:": 443, "http:": 80 };
/** Of a name's addresses so many are tried. */
const MAX_TRIED = 3;

/** Finds the IP addresses of a name; rejects where it has none. */
export type Resolve = (name: string) => Promise<readonly string[]>;

/** How a connection is made. */
export interface ConnectOptions {
  readonly mayConnectTo: (address: string) => boolean;
  readonly resolve: Resolve;
  /** Certificates to be trusted beside the usual ones. */
  readonly caCerts?: readonly string[];
  readonly signal: AbortSignal;
}

/** A connection, or why there is none. `fault` names no address. */
export type ConnectOutcome =
  | { readonly kind: "connected"; readonly connection: Deno.Conn }
  | { readonly kind: "not_connected"; readonly fault: string; readonly isForbidden: boolean };

/** The system's own look-up. */
export const resolveBySystem: Resolve = (name) =>
  new Promise((resolve, reject) =>
    systemLookup(
      name,
      { all: true },
      (error, found) => error ? reject(error) : resolve(found.map(({ address }) => address)),
    )
  );

/** Connects; with TLS where the address begins https://. Resolves always. */
export async function connectChecked(url: URL, options: ConnectOptions): Promise<ConnectOutcome> {
  const host = hostOf(url);
  let addresses: readonly string[];
  try {
    addresses = isIP(host) === 0 ? await inTime(options, options.resolve(host)) : [host];
  } catch (error) {
    return notConnected("its host name was not found", error);
  }
  if (addresses.length === 0) return notConnected("its host name was not found");
  // One of them would be enough for who wants in: the others are there to be tried.
  if (!addresses.every(options.mayConnectTo)) {
    return { ...notConnected("its name leads into a private network"), isForbidden: true };
  }
  const port = Number(url.port || PORTS[url.protocol]);
  const connected = await connectToAny(addresses.slice(0, MAX_TRIED), port, options.signal);
  if (connected.kind !== "connected" || url.protocol !== "https:") return connected;
  return await secured(connected.connection as Deno.TcpConn, host, options);
}

/** A look-up takes no signal: who does not answer is left alone. */
function inTime<T>({ signal }: ConnectOptions, lookup: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    lookup.then(resolve, reject);
  });
}

async function connectToAny(
  addresses: readonly string[],
  port: number,
  signal: AbortSignal,
): Promise<ConnectOutcome> {
  let last: ConnectOutcome = notConnected("no connection could be made");
  for (const hostname of addresses) {
    try {
      const connection = await Deno.connect({ hostname, port, signal });
      return { kind: "connected", connection };
    } catch (error) {
      last = notConnected(
        error instanceof Deno.errors.ConnectionRefused
          ? "connection refused"
          : "no connection could be made",
        error,
      );
    }
    if (signal.aborted) return last;
  }
  return last;
}

async function secured(
  tcp: Deno.TcpConn,
  hostname: string,
  { caCerts = [], signal }: ConnectOptions,
): Promise<ConnectOutcome> {
  let connection: Deno.Conn = tcp;
  const giveUp = () => closeQuietly(connection);
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    const tls = await Deno.startTls(tcp, {
      hostname,
      caCerts: [...caCerts],
      alpnProtocols: ["http/1.1"],
    });
    connection = tls;
    if (signal.aborted) giveUp();
    await tls.handshake();
    return { kind: "connected", connection };
  } catch (error) {
    giveUp();
    return notConnected("no secure connection could be made", error);
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

function notConnected(fault: string, error?: unknown) {
  return error instanceof Deno.errors.NotCapable
    ? {
      kind: "not_connected",
      fault: "this process may not connect to it",
      isForbidden: true,
    } as const
    : { kind: "not_connected", fault, isForbidden: false } as const;
}

/** Closes a connection that may be closed already. */
export function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is.
  }
}
