/**
 * Real sockets for the tests of the transports: servers, listeners, clients.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
// @ts-types="@types/ws"
import { WebSocket } from "ws";
import { type Clock, systemClock } from "../../clock.ts";
import { createTransport, type TransportName } from "../../serve/transport.ts";
import { Connection } from "../../stream/connection.ts";
import type { Socket, SocketListener } from "../../stream/socket.ts";
import { WireV1 } from "../../stream/wire_v1.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { until } from "../modal/local/_fixture.ts";
import { createFakeSession } from "./_fake_session.ts";

/** What a test gets. */
export interface Bench {
  readonly url: string;
  /** What the listeners threw. */
  readonly failures: unknown[];
}

/** How a test's sockets are made. */
export interface SocketsOptions {
  /** 0, the default: off. */
  readonly maxFrameBytes?: number;
  /** The subprotocol that the server chooses. */
  readonly protocol?: string;
  /** The machine's own, unless given. */
  readonly clock?: Clock;
}

/** Runs a test against a real server. */
export type WithSockets = (
  accept: (socket: Socket) => SocketListener,
  use: (bench: Bench) => Promise<void>,
  options?: SocketsOptions,
) => Promise<void>;

/** A real server whose every request becomes a socket; waits until all of them have ended. */
export function socketsOn(name: TransportName): WithSockets {
  return async (accept, use, { maxFrameBytes = 0, protocol = "", clock = systemClock } = {}) => {
    const failures: unknown[] = [];
    const failed = (error: unknown) => void failures.push(error);
    const { upgrade, listen } = await createTransport(name, {
      failed,
      maxFrameBytes,
      clock,
    });
    const { accept: counted, open } = counting(accept);
    const server = await listen(
      { host: "127.0.0.1", port: 0 },
      (request) => upgrade(request, counted, protocol),
    );
    try {
      await use({ url: `${server.url}/`, failures });
      await until(() => open.size === 0);
    } finally {
      // A shutdown would wait for clients that a failed test has left behind.
      for (const socket of open) socket.terminate();
      await server.shutdown();
    }
  };
}

function counting(accept: (socket: Socket) => SocketListener) {
  const open = new Set<Socket>();
  return {
    open,
    accept(socket: Socket): SocketListener {
      const listener = accept(socket);
      open.add(socket);
      return {
        message: (data) => listener.message(data),
        closed(code, reason) {
          open.delete(socket);
          listener.closed(code, reason);
        },
      };
    },
  };
}

/** Says every message back; notes what it hears of each connection, in the order of connecting. */
export function createEcho() {
  const heard: string[][] = [];
  const sockets: Socket[] = [];
  const accept = (socket: Socket): SocketListener => {
    const mine: string[] = [];
    heard.push(mine);
    sockets.push(socket);
    return {
      message(data) {
        const text = typeof data === "string" ? `text ${data}` : `bytes ${data}`;
        mine.push(text);
        socket.send(text);
      },
      closed: (code, reason) => void mine.push(`closed ${code} ${reason}`),
    };
  };
  return { heard, sockets, accept };
}

/** A client that keeps to the rules. */
export interface Client {
  readonly messages: string[];
  /** Waits for the end of the connection. */
  ended(): Promise<[code: number, reason: string]>;
  readonly socket: WebSocket;
}

/** Connects with `npm:ws`. */
export async function connect(url: string): Promise<Client> {
  const socket = new WebSocket(url.replace("http", "ws"), { perMessageDeflate: false });
  const messages: string[] = [];
  socket.on("message", (data) => void messages.push(String(data)));
  const endings: [number, string][] = [];
  socket.on("close", (code, reason) => void endings.push([code, String(reason)]));
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  const ended = async () => {
    await until(() => endings.length > 0);
    return endings[0]!;
  };
  return { messages, ended, socket };
}

/** Shows that a connection works, and ends it. */
export async function echoAndLeave({ socket, messages, ended }: Client): Promise<void> {
  const before = messages.length;
  socket.send("still there");
  await until(() => messages.length > before);
  assertEquals(messages.at(-1), "text still there");
  socket.close(1000, "bye");
  await ended();
}

/** What a client may leave unread. */
export const CAP_BYTES = 256 * 1024;

/** A connection whose every ack brings a long result; notes how it ended and what was queued. */
export function createTalker() {
  const clock = createFakeClock();
  const reason = "x".repeat(128 * 1024);
  const ends: [number, string][] = [];
  const bench = { clock, ends, frames: 0, pauses: 0, resumes: 0, mostQueuedBytes: 0, acceptTalker };
  function acceptTalker(socket: Socket): SocketListener {
    const measured: Socket = {
      send: (text) => socket.send(text),
      close: (code, reason) => socket.close(code, reason),
      terminate: () => socket.terminate(),
      pause() {
        bench.pauses++;
        return socket.pause();
      },
      resume() {
        bench.resumes++;
        socket.resume();
      },
      protocol: socket.protocol,
      get queuedBytes() {
        bench.mostQueuedBytes = Math.max(bench.mostQueuedBytes, socket.queuedBytes);
        return socket.queuedBytes;
      },
    };
    const limits = { maxFrameBytes: 0, maxFps: 0, stallMs: 0, earlierFrames: 0 };
    const send = (text: string) => measured.send(text);
    const wire = new WireV1({ send, clock, resultFlushMs: 60_000 });
    const session = createFakeSession({
      proceed() {
        bench.frames++;
        connection.told({ kind: "failed", scope: "chunk", reason });
      },
      end: (code, reason) => void ends.push([code, reason]),
    });
    const connection = new Connection(measured, wire, { clock, ...limits }, session, false);
    return connection;
  }
  return bench;
}
