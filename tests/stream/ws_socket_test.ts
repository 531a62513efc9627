import { assert, assertEquals } from "@std/assert";
import { createFakeClock } from "../_fake_clock.ts";
import { binaryFrame, dialRaw, pieceHead, type RawSocket } from "../_raw_socket.ts";
import { until } from "../modal/local/_fixture.ts";
import { testSocketCloseContract } from "./_socket_close_contract.ts";
import { testSocketContract } from "./_socket_contract.ts";
import { CAP_BYTES, connect, createEcho, createTalker, socketsOn } from "./_sockets.ts";

const withSockets = socketsOn("ws");
const PIECE = new Uint8Array(1000);
const PING = "8900";
const CLOSE_1009 = /^88..03f1/;

testSocketContract("ws");
testSocketCloseContract("ws");

/** Lets a client that never reads send until it is made to wait. */
async function sendUntilPaused(
  raw: RawSocket,
  talker: ReturnType<typeof createTalker>,
): Promise<void> {
  for (let sent = 1; talker.pauses === 0; sent++) {
    assert(sent < 1000, "far more than any network takes");
    await raw.write(binaryFrame([1]));
    await until(() => talker.frames === sent);
  }
}

Deno.test("ws socket makes a client that reads nothing wait, and then ends it [V9]", async () => {
  const talker = createTalker();
  await withSockets(talker.acceptTalker, async ({ url }) => {
    const raw = await dialRaw(url);
    await sendUntilPaused(raw, talker);
    const { frames, mostQueuedBytes } = talker;
    assert(mostQueuedBytes > CAP_BYTES && mostQueuedBytes < 2 * CAP_BYTES, `${mostQueuedBytes}`);
    for (let at = 0; at < 20; at++) await raw.write(binaryFrame([1]));
    await talker.clock.tickAsync(9000);
    assertEquals([talker.frames, talker.ends], [frames, []], "nothing is read meanwhile");
    await talker.clock.tickAsync(1100);
    assertEquals(talker.ends, [[1008, "acks must be read: too many are unread"]]);
    await talker.clock.tickAsync(1000);
    while (await raw.read());
    raw.close();
  });
  assertEquals(talker.clock.pendingTimers, 0);
});

Deno.test("ws socket reads on when the client does, and has lost nothing [V1, V9]", async () => {
  const talker = createTalker();
  await withSockets(talker.acceptTalker, async ({ url }) => {
    const raw = await dialRaw(url);
    await sendUntilPaused(raw, talker);
    const total = talker.frames + 5;
    for (let at = 0; at < 5; at++) await raw.write(binaryFrame([1]));
    const reading = (async () => {
      while (await raw.read());
    })();
    for (let at = 0; at < 90 && talker.frames < total; at++) await talker.clock.tickAsync(100);
    assertEquals([talker.frames, talker.ends], [total, []]);
    assert(talker.resumes > 0);
    raw.close();
    await reading;
    await until(() => talker.ends.length === 1);
  });
});

Deno.test("ws socket ends a message that is too large before it is read, with 1009 [V9]", async () => {
  const { heard, accept } = createEcho();
  await withSockets(accept, async ({ url }) => {
    const { socket, ended } = await connect(url);
    socket.send(new Uint8Array(10_000));
    assertEquals(await ended(), [1009, "a frame must be at most 5000 bytes"]);
    await until(() => heard[0]!.length > 0);
    assertEquals(heard[0], ["closed 1009 a frame must be at most 5000 bytes"]);
  }, { maxFrameBytes: 5000 });
});

Deno.test("ws socket hands over a message that is a little too large, for its size to be told [V9]", async () => {
  const { heard, accept } = createEcho();
  await withSockets(accept, async ({ url }) => {
    const { socket } = await connect(url);
    socket.send(new Uint8Array(5001));
    await until(() => heard[0]!.length > 0);
    assert(heard[0]![0]!.startsWith("bytes 0,0"));
    socket.close();
  }, { maxFrameBytes: 5000 });
});

Deno.test("ws socket ends an unfinished message in pieces once they are too large together [V9]", async () => {
  const { heard, accept } = createEcho();
  await withSockets(accept, async ({ url }) => {
    const raw = await dialRaw(url);
    for (let at = 0; at < 7; at++) {
      await raw.write(pieceHead(PIECE.length, at === 0));
      await raw.write(PIECE);
    }
    assert(CLOSE_1009.test((await raw.read())!.toHex()));
    raw.close();
    await until(() => heard[0]!.length > 0);
    assertEquals(heard[0]!.length, 1);
  }, { maxFrameBytes: 5000 });
});

Deno.test("ws socket asks a silent client whether it is there, and ends one that is not", async () => {
  const { heard, accept } = createEcho();
  const clock = createFakeClock();
  await withSockets(accept, async ({ url }) => {
    const [present, gone] = [await connect(url), await dialRaw(url)];
    await until(() => heard.length === 2);
    const pinged = new Promise((resolve) => present.socket.once("ping", resolve));
    await clock.tickAsync(15_000);
    assertEquals((await gone.read())!.toHex(), PING);
    await pinged;
    // The pong needs a moment on its way.
    await new Promise((resolve) => setTimeout(resolve, 20));
    await clock.tickAsync(15_000);
    assertEquals(await gone.read(), null);
    gone.close();
    await until(() => heard[1]!.length === 1);
    assertEquals(heard, [[], ["closed 1006 "]]);
    present.socket.close();
    await present.ended();
    await until(() => heard[0]!.length === 1);
  }, { clock });
});
