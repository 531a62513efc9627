/**
 * What every socket transport must do; run against each.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import type { TransportName } from "../../serve/transport.ts";
import type { Socket, SocketListener } from "../../stream/socket.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { binaryFrame, dialRaw } from "../_raw_socket.ts";
import { until } from "../modal/local/_fixture.ts";
import {
  CAP_BYTES,
  connect,
  createEcho,
  createTalker,
  echoAndLeave,
  socketsOn,
} from "./_sockets.ts";

/** Declares the tests for one transport. */
export function testSocketContract(name: TransportName): void {
  const withSockets = socketsOn(name);
  const test = (what: string, run: () => Promise<void>) => Deno.test(`${name} socket ${what}`, run);

  test("hands messages over in order, and tells the end once, last", async () => {
    const { heard, accept } = createEcho();
    await withSockets(accept, async ({ url }) => {
      const { socket, messages, ended } = await connect(url);
      socket.send(Uint8Array.of(1, 2));
      socket.send("hello");
      socket.send(new Uint8Array());
      socket.close(4001, "seen enough");
      assertEquals(await ended(), [4001, "seen enough"]);
      await until(() => heard[0]!.length === 4);
      const said = ["bytes 1,2", "text hello", "bytes "];
      assertEquals([heard[0], messages], [[...said, "closed 4001 seen enough"], said]);
    });
  });

  test("closes with the code and reason it is told, and is silent then", async () => {
    const { heard, sockets, accept } = createEcho();
    await withSockets(accept, async ({ url }) => {
      const { ended, messages } = await connect(url);
      const [socket] = sockets as [Socket];
      socket.close(1008, "too fast");
      socket.close(1012, "going away");
      socket.send("too late");
      assertEquals(await ended(), [1008, "too fast"]);
      await until(() => heard[0]!.length > 0);
      socket.close(1012, "going away");
      socket.send("too late");
      assertEquals([heard[0], messages], [["closed 1008 too fast"], []]);
    });
  });

  test("tells the end once when both sides close at the same time", async () => {
    const { heard, sockets, accept } = createEcho();
    await withSockets(accept, async ({ url }) => {
      const clients = await Promise.all(Array.from({ length: 20 }, () => connect(url)));
      await until(() => sockets.length === clients.length);
      for (const { socket } of clients) socket.close(1000, "bye");
      for (const socket of sockets) socket.close(1012, "going away");
      await Promise.all(clients.map(({ ended }) => ended()));
      await until(() => heard.every((events) => events.length > 0));
      await createFakeClock().tickAsync(0);
      assert(heard.every((events) => events.length === 1), JSON.stringify(heard));
    });
  });

  test("closes 1011 where a listener throws, and only there [V9]", async () => {
    const echo = createEcho();
    const accept = (socket: Socket): SocketListener => {
      const listener = echo.accept(socket);
      return {
        ...listener,
        message(data) {
          listener.message(data);
          if (data === "burst") throw new Error("a mistake of ours");
        },
      };
    };
    await withSockets(accept, async ({ url, failures }) => {
      const [unlucky, neighbour] = [await connect(url), await connect(url)];
      unlucky.socket.send("burst");
      assertEquals(await unlucky.ended(), [1011, "internal error"]);
      await until(() => echo.heard[0]!.length > 1);
      assertEquals(failures.map(String), ["Error: a mistake of ours"]);
      assertEquals(echo.heard[0]!.filter((event) => event.startsWith("closed")), [
        "closed 1011 internal error",
      ]);
      await echoAndLeave(neighbour);
    });
  });

  test("closes 1011 where nobody can be found to listen", async () => {
    const { accept } = createEcho();
    let came = 0;
    const acceptSecond = (socket: Socket) => {
      if (++came === 1) throw new Error("no room");
      return accept(socket);
    };
    await withSockets(acceptSecond, async ({ url, failures }) => {
      const unlucky = await connect(url);
      assertEquals(await unlucky.ended(), [1011, "internal error"]);
      assertEquals(failures.map(String), ["Error: no room"]);
      await echoAndLeave(await connect(url));
    });
  });

  test("survives a listener that throws at the end", async () => {
    const { accept } = createEcho();
    const failAtEnd = (socket: Socket): SocketListener => ({
      ...accept(socket),
      closed() {
        throw new Error("cannot let go");
      },
    });
    await withSockets(failAtEnd, async ({ url, failures }) => {
      const [first, second] = [await connect(url), await connect(url)];
      first.socket.close();
      await first.ended();
      await until(() => failures.length === 1);
      await echoAndLeave(second);
      await until(() => failures.length === 2);
    });
  });

  test("ends a connection that sends garbage, and only that one [V9]", async () => {
    const garbage: Record<string, number[]> = {
      "no frame at all": [...new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")],
      "reserved bits": [0xf2, 0x81, 0, 0, 0, 0, 1],
      "an unknown opcode": [0x83, 0x80, 0, 0, 0, 0],
      "text that is no UTF-8": [0x81, 0x81, 0, 0, 0, 0, 0xff],
      "a close frame of one byte": [0x88, 0x81, 0, 0, 0, 0, 1],
      "a ping that is too long": [0x89, 0xfe, 0x01, 0x00, 0, 0, 0, 0],
      "a message that began nowhere": [0x80, 0x81, 0, 0, 0, 0, 1],
    };
    const { heard, accept } = createEcho();
    await withSockets(accept, async ({ url, failures }) => {
      const neighbour = await connect(url);
      for (const [at, [what, bytes]] of Object.entries(garbage).entries()) {
        const raw = await dialRaw(url);
        await raw.write(binaryFrame([7]));
        await raw.write(bytes);
        while (await raw.read());
        raw.close();
        await until(() => heard[at + 1]!.length > 1);
        assertEquals(heard[at + 1]!.map((event) => event.split(" ")[0]), ["bytes", "closed"], what);
      }
      await echoAndLeave(neighbour);
      assertEquals(failures, []);
    });
  });

  test("tells that a client has vanished, mid-message too [V9]", async () => {
    const { heard, accept } = createEcho();
    await withSockets(accept, async ({ url, failures }) => {
      const [destroyed, neighbour] = [await connect(url), await connect(url)];
      destroyed.socket.terminate();
      const raw = await dialRaw(url);
      await raw.write(binaryFrame([1, 2, 3, 4]).slice(0, -2));
      raw.close();
      for (const at of [0, 2]) {
        await until(() => (heard[at]?.length ?? 0) > 0);
        assertMatch(heard[at]!.join(), /^closed \d+ $/);
      }
      await echoAndLeave(neighbour);
      assertEquals(failures, []);
    });
  });

  test("lets a client stay that reads as much, message by message [V9]", async () => {
    const talker = createTalker();
    await withSockets(talker.acceptTalker, async ({ url }) => {
      const { socket, messages, ended } = await connect(url);
      for (let sent = 1; sent <= 100; sent++) {
        socket.send(Uint8Array.of(sent));
        await until(() => messages.length === sent);
      }
      assertEquals([talker.ends, talker.mostQueuedBytes <= CAP_BYTES], [[], true]);
      socket.close(1000, "bye");
      await ended();
      await until(() => talker.ends.length === 1);
    });
    assertEquals(talker.clock.pendingTimers, 0);
  });

  test("answers the subprotocol that is chosen, and no other", async () => {
    const { heard, sockets, accept } = createEcho();
    const protocol = "foresight.v2";
    await withSockets(accept, async ({ url }) => {
      const raw = await dialRaw(url, { "Sec-WebSocket-Protocol": "graphql-ws, foresight.v2" });
      assertMatch(raw.head, /^sec-websocket-protocol: foresight\.v2\r$/im);
      raw.close();
      await until(() => heard[0]?.length === 1);
      assertEquals(sockets[0]!.protocol, protocol);
    }, { protocol });
  });

  test("takes frames that come together with the handshake [V1]", async () => {
    const { heard, accept } = createEcho();
    await withSockets(accept, async ({ url }) => {
      const raw = await dialRaw(url, {}, binaryFrame([7, 8]));
      await until(() => heard[0]?.length === 1);
      assertEquals(heard, [["bytes 7,8"]]);
      raw.close();
    });
  });

  test("ends a connection that is terminated", async () => {
    const { heard, sockets, accept } = createEcho();
    await withSockets(accept, async ({ url }) => {
      const { ended } = await connect(url);
      sockets[0]!.terminate();
      await ended();
      await until(() => heard[0]!.length === 1);
      sockets[0]!.terminate();
      sockets[0]!.send("too late");
    });
  });

  test("keeps of a message little more than the message", async () => {
    const kept: Uint8Array<ArrayBuffer>[] = [];
    const accept = (): SocketListener => ({
      message: (data) => void kept.push(data as Uint8Array<ArrayBuffer>),
      closed() {},
    });
    await withSockets(accept, async ({ url }) => {
      const { socket, ended } = await connect(url);
      const sizes = [0, 1, 100, 1000, 40_000, 70_000, 200_000, 3];
      for (const size of sizes) socket.send(new Uint8Array(size).fill(size % 251));
      await until(() => kept.length === sizes.length);
      for (const [at, size] of sizes.entries()) {
        assertEquals([kept[at]!.constructor, kept[at]!.byteLength], [Uint8Array, size]);
        assert(kept[at]!.every((byte) => byte === size % 251), `message of ${size} bytes`);
        assert(
          kept[at]!.buffer.byteLength <= 2 * size,
          `${size} keep ${kept[at]!.buffer.byteLength}`,
        );
      }
      socket.close();
      await ended();
    });
  });

  test("answers no subprotocol, whatever is offered", async () => {
    const { heard, accept } = createEcho();
    await withSockets(accept, async ({ url }) => {
      const raw = await dialRaw(url, { "Sec-WebSocket-Protocol": "graphql-ws, foresight.v2" });
      assertMatch(raw.head, /^HTTP\/1\.1 101 /);
      assertNotMatch(raw.head, /sec-websocket-protocol/i);
      raw.close();
      await until(() => (heard[0]?.length ?? 0) === 1);
    });
  });
}
