/**
 * What every channel promises, whatever it speaks. Each adapter brings a harness with a real server
 * that behaves as the test says, and runs all of it.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { Channel, DeliveryOutcome, Message } from "../../messaging/channel.ts";

/** How the receiver takes what comes. */
export type Behaviour =
  | { readonly kind: "answers"; readonly status: number; readonly headers?: HeadersInit }
  /** Repeats all that came, headers too, and so the secret. */
  | { readonly kind: "echoes"; readonly status: number }
  /** Answers without end. */
  | { readonly kind: "floods"; readonly status: number }
  | { readonly kind: "hangs" }
  /** Takes the request and hangs up. */
  | { readonly kind: "resets" };

/** What came. */
export interface Received {
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

/** One adapter in front of a receiver. */
export interface ChannelHarness {
  readonly channel: Channel;
  /** What the adapter was given and must not show. */
  readonly secret: string;
  /** Where the channel leads, if messages must say so. */
  readonly to: string | null;
  /** The text that came; null: it is not in there. */
  readonly textIn: (received: Received) => unknown;
  /** The idempotency key that came; null: the channel takes none. */
  readonly keyIn: (received: Received) => string | null;
}

/** A receiver that a test owns. */
export interface Receiver {
  readonly url: string;
  readonly received: Received[];
  behave(behaviour: Behaviour): void;
  /** Nobody is there any more. */
  close(): Promise<void>;
}

/** Makes the adapter; it gives up after `timeoutMs`. */
export type MakeHarness = (receiverUrl: string, timeoutMs: number) => ChannelHarness;

const PATIENT_MS = 10_000;
const HASTY_MS = 150;
const TEXT = "The stove is on, says “the kitchen”.";

/** Registers the tests of one adapter. */
export function testChannel(name: string, make: MakeHarness): void {
  const promises = (
    does: string,
    run: (bench: Bench) => Promise<void>,
    timeoutMs = PATIENT_MS,
  ) =>
    Deno.test(`${name} ${does}`, async () => {
      const receiver = startReceiver();
      const harness = make(receiver.url, timeoutMs);
      try {
        await run({ receiver, harness, send: (id = "m1") => sendBy(harness, id) });
      } finally {
        await receiver.close();
      }
    });

  promises("brings the text once, and says that it was delivered [O6]", async (bench) => {
    const { receiver, send, harness } = bench;
    const outcome = await send();
    assertEquals(outcome, { kind: "delivered", answer: { ok: true } });
    assertEquals(receiver.received.map(harness.textIn), [TEXT]);
  });

  promises("brings the same key with every attempt, where it takes one [O4]", async (bench) => {
    const { receiver, send, harness } = bench;
    for (const id of ["m1", "m1", "m2"]) await send(id);
    const keys = receiver.received.map(harness.keyIn);
    assertEquals(keys, harness.channel.isIdempotent ? ["m1", "m1", "m2"] : [null, null, null]);
  });

  promises("fails with what may succeed later, and when [O3]", async ({ receiver, send }) => {
    for (
      const [status, retryable] of [[400, false], [404, false], [429, true], [500, true], [
        503,
        true,
      ]] as const
    ) {
      receiver.behave({ kind: "answers", status });
      const outcome = await send();
      assert(outcome.kind === "failed" && outcome.cause.includes(String(status)));
      assertEquals([outcome.retryable, outcome.retryAfterMs], [retryable, undefined]);
    }
    receiver.behave({ kind: "answers", status: 429, headers: { "retry-after": "7" } });
    const outcome = await send();
    assertEquals(outcome.kind === "failed" && outcome.retryAfterMs, 7_000);
    assertEquals(receiver.received.length, 6, "it repeats nothing by itself");
  });

  promises("follows no redirect [O6]", async ({ receiver, send }) => {
    for (const status of [301, 302, 303, 307, 308]) {
      const headers = { location: `${receiver.url}/elsewhere` };
      receiver.behave({ kind: "answers", status, headers });
      const outcome = await send();
      assert(outcome.kind === "failed" && !outcome.retryable, JSON.stringify(outcome));
    }
    assertEquals(receiver.received.length, 5);
  });

  promises("is uncertain where the request left and no answer came [O4]", async (bench) => {
    const { receiver, send } = bench;
    for (const kind of ["resets", "hangs"] as const) {
      receiver.behave({ kind });
      const outcome = await send();
      assertEquals([outcome.kind, receiver.received.length > 0], ["uncertain", true]);
    }
  }, HASTY_MS);

  promises("certainly fails where nobody is there, and may succeed later [O4]", async (bench) => {
    await bench.receiver.close();
    const outcome = await bench.send();
    assert(outcome.kind === "failed" && outcome.retryable, JSON.stringify(outcome));
  });

  promises("reads no more of an answer than it keeps [O6]", async ({ receiver, send }) => {
    for (const status of [200, 500]) {
      receiver.behave({ kind: "floods", status });
      const outcome = await send();
      assertEquals(outcome.kind, status === 200 ? "delivered" : "failed");
      assert(JSON.stringify(outcome).length < 100_000);
    }
  });

  promises(
    "shows no secret that the receiver repeats [A4]",
    async ({ receiver, send, harness }) => {
      for (const status of [200, 401, 500]) {
        receiver.behave({ kind: "echoes", status });
        const said = JSON.stringify(await send());
        assert(!said.includes(harness.secret), said);
      }
    },
  );
}

interface Bench {
  readonly receiver: Receiver;
  readonly harness: ChannelHarness;
  readonly send: (id?: string) => Promise<DeliveryOutcome>;
}

function sendBy({ channel, to }: ChannelHarness, id: string): Promise<DeliveryOutcome> {
  const message: Message = { id, wearer: "ann", text: TEXT, to, createdAtMs: 0 };
  return channel.deliver(message);
}

/** A real server on the loopback. */
export function startReceiver(): Receiver {
  let behaviour: Behaviour = { kind: "answers", status: 200 };
  let letGo = Promise.withResolvers<void>();
  const received: Received[] = [];
  const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
  const server = Deno.serve(options, async (request, { completed }) => {
    completed.catch(() => {});
    const { headers, url } = request;
    received.push({ path: new URL(url).pathname, headers, body: await request.text() });
    return await answerTo(behaviour, received.at(-1)!, letGo.promise);
  });
  const resetting = startResetting(received, () => behaviour.kind === "resets", server.addr.port);
  let isOpen = true;
  return {
    url: `http://127.0.0.1:${resetting.port}/hook`,
    received,
    behave(next) {
      behaviour = next;
      letGo.resolve();
      letGo = Promise.withResolvers();
    },
    async close() {
      if (!isOpen) return;
      isOpen = false;
      letGo.resolve();
      await resetting.close();
      await server.shutdown();
    },
  };
}

async function answerTo(
  behaviour: Behaviour,
  { headers, body }: Received,
  letGo: Promise<void>,
): Promise<Response> {
  switch (behaviour.kind) {
    case "answers": {
      const { status } = behaviour;
      const headers = new Headers(behaviour.headers);
      // A connection that is kept would not be there to be reset.
      headers.set("connection", "close");
      return Response.json({ ok: status === 200 }, { status, headers });
    }
    case "echoes":
      return Response.json({ message: JSON.stringify([[...headers], body]) }, {
        status: behaviour.status,
        headers: { connection: "close" },
      });
    case "floods": {
      const part = new TextEncoder().encode("flood ".repeat(1000));
      const stream = new ReadableStream({ pull: (controller) => controller.enqueue(part) });
      return new Response(stream, behaviour);
    }
    default:
      await letGo;
      return new Response();
  }
}

/** Stands before the server, and hangs up on who has asked where it shall. */
function startResetting(received: Received[], shallReset: () => boolean, port: number) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  const serve = async (client: Deno.Conn) => {
    open.add(client);
    try {
      if (shallReset()) {
        await client.read(new Uint8Array(4096));
        received.push({ path: "", headers: new Headers(), body: "" });
        return;
      }
      const server = await Deno.connect({ hostname: "127.0.0.1", port });
      open.add(server);
      await Promise.all([pipe(client, server), pipe(server, client)]);
      open.delete(server);
    } finally {
      open.delete(client);
      closeQuietly(client);
    }
  };
  const serving = (async () => {
    const all: Promise<void>[] = [];
    for await (const client of listener) all.push(serve(client).catch(() => {}));
    await Promise.all(all);
  })();
  return {
    port: listener.addr.port,
    async close() {
      listener.close();
      for (const connection of open) closeQuietly(connection);
      await serving;
    },
  };
}

async function pipe(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  try {
    const buffer = new Uint8Array(16_384);
    for (let length = await from.read(buffer); length !== null; length = await from.read(buffer)) {
      for (let at = 0; at < length;) at += await to.write(buffer.subarray(at, length));
    }
  } catch {
    // Either side may hang up at any time.
  } finally {
    closeQuietly(to);
  }
}

function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is.
  }
}
