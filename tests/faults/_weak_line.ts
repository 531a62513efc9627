/**
 * The network between one client and the servers: a TCP proxy that can cut, freeze and delay.
 *
 * @module
 */

/** One direction of one connection, and what holds it up. */
interface Way {
  readonly from: Deno.TcpConn;
  readonly to: Deno.TcpConn;
}

interface Pair {
  readonly client: Deno.TcpConn;
  readonly server: Deno.TcpConn;
  /** Nothing passes until this settles. */
  gate: Promise<void>;
  open(): void;
  isFrozen: boolean;
}

/** A line that its test can spoil. Connections made later go to wherever `target` says then. */
export class WeakLine {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 }) as Deno.TcpListener;
  readonly #target: () => string;
  readonly #pairs = new Set<Pair>();
  readonly #work = new Set<Promise<void>>();

  /** @param target `http://host:port` of the server to connect to now */
  constructor(target: () => string) {
    this.#target = target;
    this.#track(this.#accept());
  }

  /** What the client connects to. */
  get url(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  /** Ends all connections, on both sides. */
  cut(): void {
    for (const pair of this.#pairs) end(pair);
  }

  /** From now on nothing passes, and nobody hears of it; connections made later are well. */
  freeze(): () => void {
    const frozen = [...this.#pairs];
    for (const pair of frozen) {
      pair.isFrozen = true;
      hold(pair);
    }
    return () => {
      for (const pair of frozen) pair.open();
    };
  }

  /** Holds everything up until the answer is called. */
  delay(): () => void {
    const held = [...this.#pairs].filter(({ isFrozen }) => !isFrozen);
    held.forEach(hold);
    return () => {
      for (const pair of held) if (!pair.isFrozen) pair.open();
    };
  }

  /** Ends everything. */
  async close(): Promise<void> {
    this.#listener.close();
    this.cut();
    while (this.#work.size > 0) {
      await Promise.all(this.#work);
      this.cut();
    }
  }

  async #accept(): Promise<void> {
    try {
      for await (const client of this.#listener) this.#track(this.#serve(client));
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    const { hostname, port } = new URL(this.#target());
    let server: Deno.TcpConn;
    try {
      server = await Deno.connect({ hostname, port: Number(port) });
    } catch {
      return client.close();
    }
    client.setNoDelay();
    server.setNoDelay();
    const pair: Pair = {
      client,
      server,
      gate: Promise.resolve(),
      open() {},
      isFrozen: false,
    };
    this.#pairs.add(pair);
    await Promise.all([
      pump(pair, { from: client, to: server }),
      pump(pair, { from: server, to: client }),
    ]);
    this.#pairs.delete(pair);
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#work.delete(tracked));
    this.#work.add(tracked);
  }
}

async function pump(pair: Pair, { from, to }: Way): Promise<void> {
  const buffer = new Uint8Array(16 * 1024);
  try {
    for (;;) {
      const length = await from.read(buffer);
      if (length === null) break;
      await pair.gate;
      for (let at = 0; at < length;) at += await to.write(buffer.subarray(at, length));
    }
  } catch {
    // Whichever side ended first ends the other.
  }
  end(pair);
}

function hold(pair: Pair): void {
  pair.open();
  const { promise, resolve } = Promise.withResolvers<void>();
  pair.gate = promise;
  pair.open = resolve;
}

function end(pair: Pair): void {
  for (const side of [pair.client, pair.server]) {
    try {
      side.close();
    } catch {
      // It is closed already.
    }
  }
  pair.open();
}
