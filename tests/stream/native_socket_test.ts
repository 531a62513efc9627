import { assert, assertEquals } from "@std/assert";
import { binaryFrame, dialRaw } from "../_raw_socket.ts";
import { until } from "../modal/local/_fixture.ts";
import { testSocketCloseContract } from "./_socket_close_contract.ts";
import { testSocketContract } from "./_socket_contract.ts";
import { CAP_BYTES, createTalker, socketsOn } from "./_sockets.ts";

testSocketContract("native");
testSocketCloseContract("native");

Deno.test("native socket cannot pause a client that reads nothing: the cap ends it [V9]", async () => {
  const talker = createTalker();
  await socketsOn("native")(talker.acceptTalker, async ({ url }) => {
    const raw = await dialRaw(url);
    for (let sent = 1; talker.ends.length === 0; sent++) {
      assert(sent < 1000, "far more than any network takes");
      await raw.write(binaryFrame([1]));
      await until(() => talker.frames === sent || talker.ends.length > 0);
    }
    assertEquals(talker.ends, [[1008, "acks must be read: too many are unread"]]);
    const { mostQueuedBytes } = talker;
    assert(mostQueuedBytes > CAP_BYTES && mostQueuedBytes < 2 * CAP_BYTES, `${mostQueuedBytes}`);
    raw.close();
  });
  assertEquals(talker.clock.pendingTimers, 0);
});
