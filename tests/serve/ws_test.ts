import { assertEquals } from "@std/assert";
import { systemClock } from "../../clock.ts";
import { createTransport } from "../../serve/transport.ts";
import { testServerContract } from "./_server_contract.ts";

testServerContract("ws");

const LOOPBACK = { host: "127.0.0.1", port: 0 };
const OPTIONS = { failed() {}, maxFrameBytes: 0, clock: systemClock };

/** What a server says to one request. */
async function answerTo(url: string, request: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(request));
  const answer = await new Response(connection.readable).text();
  return answer.replace(/\r\n.*\r\n\r\n/s, " ... ");
}

Deno.test("ws server passes over an offer to speak another protocol, and reads the body", async () => {
  const transport = await createTransport("ws", OPTIONS);
  const server = await transport.listen(
    LOOPBACK,
    async (request) => new Response(`read ${await request.text()}`),
  );
  const offer = "POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n";
  const answer = await answerTo(server.url, `${offer}Content-Length: 5\r\n\r\nhello`);
  assertEquals(answer, "HTTP/1.1 200 OK ... read hello");
  await server.shutdown();
});

Deno.test("ws server answers 400 to an upgrade whose address makes no sense", async () => {
  const transport = await createTransport("ws", OPTIONS);
  const server = await transport.listen(LOOPBACK, () => new Response("never"));
  const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  const answer = await answerTo(server.url, `GET / HTTP/1.1\r\nHost: a b\r\n${upgrade}`);
  assertEquals(answer, "HTTP/1.1 400 Bad Request ... ");
  await server.shutdown();
});

Deno.test("ws server ends the connection of an upgrade that the application fails on", async () => {
  const failures: unknown[] = [];
  const failed = (error: unknown) => void failures.push(String(error));
  const transport = await createTransport("ws", { ...OPTIONS, failed });
  const server = await transport.listen(LOOPBACK, () => {
    throw new Error("a mistake of ours");
  });
  const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  assertEquals(await answerTo(server.url, `GET / HTTP/1.1\r\nHost: x\r\n${upgrade}`), "");
  assertEquals(failures, ["Error: a mistake of ours"]);
  await server.shutdown();
});
