/**
 * Keeps the SDK's own channel from killing the process (`MODAL_TRANSPORT=grpc` only).
 *
 * grpc-js closes its HTTP/2 session inside the GOAWAY event; in Deno 2.9 that frees the session
 * while nghttp2 still uses it (denoland/deno#36788). Putting the closing off by one turn stops it;
 * putting off only the event does not (MODAL facts).
 *
 * @module
 */
import http2 from "node:http2";

type ClientSession = ReturnType<typeof http2.connect>;

let isInstalled = false;

/** Makes every later `http2.connect` of the process safe to close. Does nothing the second time. */
export function installGoawayGuard(): void {
  if (isInstalled) return;
  isInstalled = true;
  const connect = http2.connect as (...args: unknown[]) => ClientSession;
  http2.connect = ((...args: unknown[]) => guarded(connect(...args))) as typeof http2.connect;
}

function guarded(session: ClientSession): ClientSession {
  const close = session.close.bind(session);
  const destroy = session.destroy.bind(session);
  session.close = (callback?: () => void) => void setTimeout(() => close(callback), 0);
  session.destroy = (...args: Parameters<ClientSession["destroy"]>) =>
    void setTimeout(() => destroy(...args), 0);
  return session;
}
