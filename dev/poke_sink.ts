/**
 * Stands in for Poke: takes messages and hands them to whoever started it.
 *
 * @module
 */

/** A running sink. */
export interface PokeSink {
  /** What `FORESIGHT_POKE_URL` must be. */
  readonly url: string;
  close(): Promise<void>;
}

/** Starts a sink on a free port; it answers as Poke does. */
export function startPokeSink(received: (message: string) => void): PokeSink {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    if (!request.headers.get("authorization")?.startsWith("Bearer ")) {
      return Response.json({ success: false, message: "no key" }, { status: 401 });
    }
    const { message } = await request.json();
    received(String(message));
    return Response.json({ success: true, message: "Message sent successfully" });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/inbound/api-message`,
    close: () => server.shutdown(),
  };
}
