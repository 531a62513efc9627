import { assertEquals } from "@std/assert";
import { systemClock } from "../../clock.ts";
import { MAGIC_WORD, withForesight } from "../_foresight.ts";
import { FaultyKv } from "./_faulty_kv.ts";

const REQUEST = [
  "GET /vision/stream HTTP/1.1",
  "Host: 127.0.0.1",
  `X-Magic-Word: ${MAGIC_WORD}`,
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "\r\n",
].join("\r\n");

const pause = (ms: number) => new Promise<void>((done) => void systemClock.after(ms, done));

Deno.test("a client that leaves while KV is asked holds nothing, and the server can end", async () => {
  const real = await Deno.openKv(":memory:");
  const faulty = new FaultyKv(real);
  // The rate limit is asked for first.
  faulty.failCommits({ kind: "slow", delayMs: 100 }, 1);
  const statuses: unknown[] = [];
  await withForesight({ SOCKET_TRANSPORT: "native" }, async ({ url, logged }) => {
    const { hostname, port } = new URL(url);
    const client = await Deno.connect({ hostname, port: Number(port) });
    await client.write(new TextEncoder().encode(REQUEST));
    await pause(30);
    client.close();
    const request = () => logged.find(({ path }) => path === "/vision/stream");
    while (!request()) await pause(10);
    statuses.push(request()!.status);
  }, { kv: faulty.kv });
  real.close();
  assertEquals(statuses, [499]);
});
