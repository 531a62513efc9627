/**
 * What stands in for Poke: real servers on loopback.
 *
 * @module
 */

/** One request that came in. */
export interface SunkRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

/** Runs `test` with an HTTP server that notes every request and answers with `answer`. */
export async function withPokeSink(
  answer: () => Response | Promise<Response>,
  test: (url: string, requests: SunkRequest[]) => Promise<void>,
): Promise<void> {
  const requests: SunkRequest[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { method, headers, url } = request;
    requests.push({ method, path: new URL(url).pathname, headers, body: await request.text() });
    return answer();
  });
  try {
    await test(`http://127.0.0.1:${server.addr.port}/sink`, requests);
  } finally {
    await server.shutdown();
  }
}

/** Runs `test` with a TCP server that reads the request, says `bytes` and hangs up. */
export async function withRawSink(
  bytes: string,
  test: (url: string) => Promise<void>,
): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(4096));
      await connection.write(new TextEncoder().encode(bytes));
      connection.close();
    }
  })();
  try {
    await test(`http://127.0.0.1:${listener.addr.port}/`);
  } finally {
    listener.close();
    await serving;
  }
}
