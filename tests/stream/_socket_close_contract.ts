/**
 * How every socket transport must end; run against each.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { TransportName } from "../../serve/transport.ts";
import type { Socket, SocketListener } from "../../stream/socket.ts";
import { binaryFrame, dialRaw } from "../_raw_socket.ts";
import { until } from "../modal/local/_fixture.ts";
import { socketsOn } from "./_sockets.ts";

/** Sends frames in one piece, as a radio does after a stall; answers all that comes back. */
async function burst(url: string, frames: number): Promise<string> {
  const raw = await dialRaw(url);
  await raw.write(Array.from({ length: frames }, () => binaryFrame([1])).flat());
  let heard = "";
  for (let bytes = await raw.read(); bytes; bytes = await raw.read()) {
    heard += bytes.toHex();
    if (/^88/.test(heard)) break;
  }
  raw.close();
  return heard;
}

const CLOSE_1008_NO = "880403f06e6f";

/** Declares the tests for one transport. */
export function testSocketCloseContract(name: TransportName): void {
  const withSockets = socketsOn(name);
  const test = (what: string, run: () => Promise<void>) => Deno.test(`${name} socket ${what}`, run);

  test("says why it closes, though more messages have come already [V9]", async () => {
    const closed: number[] = [];
    const accept = (socket: Socket): SocketListener => ({
      message: () => socket.close(1008, "no"),
      closed: (code) => void closed.push(code),
    });
    await withSockets(accept, async ({ url }) => {
      for (const frames of [1, 2, 20]) assertEquals(await burst(url, frames), CLOSE_1008_NO);
      await until(() => closed.length === 3);
    });
  });

  test("says why it closes where a listener throws midway [V9]", async () => {
    let messages = 0;
    const accept = (): SocketListener => ({
      message() {
        messages++;
        throw new Error("a mistake of ours");
      },
      closed() {},
    });
    await withSockets(accept, async ({ url }) => {
      const heard = await burst(url, 20);
      assertEquals([heard.slice(0, 4), heard.slice(4, 8), messages], ["8810", "03f3", 1]);
    });
  });

  test("calls a connection that was lost 1006, as RFC 6455 does", async () => {
    const ends: [number, string][] = [];
    const accept = (): SocketListener => ({
      message() {},
      closed: (code, reason) => void ends.push([code, reason]),
    });
    await withSockets(accept, async ({ url }) => {
      (await dialRaw(url)).close();
      await until(() => ends.length === 1);
      assertEquals(ends, [[1006, ""]]);
    });
  });
}
