import { assertEquals } from "@std/assert";
import { withForesight } from "../_foresight.ts";
import { withKv } from "../kv/_temp_kv.ts";
import { bearing, issueToken } from "./_wearers.ts";

const SLOW_MS = 200;

/** The same KV, whose answers about tokens take a while. */
function slowed(kv: Deno.Kv): Deno.Kv {
  return new Proxy(kv, {
    get(target, name) {
      if (name === "get") {
        return async (key: Deno.KvKey) => {
          if (key[2] === "token") await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
          return await target.get(key);
        };
      }
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

Deno.test("wearers: a client that leaves while its token is checked is not upgraded, on native", () =>
  withKv((kv) =>
    withForesight({ SOCKET_TRANSPORT: "native" }, async (foresight) => {
      const { url, streams, logged } = foresight;
      const token = await issueToken(foresight, "ann", ["stream"]);
      const { hostname, port } = new URL(url);
      const connection = await Deno.connect({ hostname, port: Number(port) });
      const lines = {
        "Host": hostname,
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Authorization": bearing(token).authorization,
      };
      const head = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`).join("");
      const request = `GET /vision/stream HTTP/1.1\r\n${head}\r\n`;
      await connection.write(new TextEncoder().encode(request));
      await new Promise((resolve) => setTimeout(resolve, SLOW_MS / 4));
      connection.close();
      const isTold = () => logged.find(({ path }) => path === "/vision/stream");
      while (!isTold()) await new Promise((resolve) => setTimeout(resolve, 10));
      assertEquals([isTold()!.status, streams.size], [499, 0]);
      // That the server can be shut down is part of what is tested (routes/_leaving.ts).
    }, { kv: slowed(kv) })
  ));
