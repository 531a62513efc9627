/**
 * Puts the closing of HTTP/2 sessions off by one turn.
 *
 * A client that closes its connection sends GOAWAY, and node:http2 closes the session from inside
 * that event. In Deno 2.9 this frees it while nghttp2 still uses it (denoland/deno#36788), which
 * kills the process now and then, and always with `MALLOC_PERTURB_=165`. One turn later it is safe.
 *
 * @module
 */
import type { ServerHttp2Session } from "node:http2";

/** The closings of one server's sessions. */
export class PutOffClosing {
  readonly #pending = new Set<Promise<void>>();

  /** Makes `close` and `destroy` of a session act a turn later. */
  guard(session: ServerHttp2Session): void {
    const close = session.close.bind(session);
    const destroy = session.destroy.bind(session);
    session.close = (callback?: () => void) => this.#later(() => close(callback));
    session.destroy = (...args: Parameters<ServerHttp2Session["destroy"]>) =>
      this.#later(() => destroy(...args));
  }

  /** Resolves once no closing is put off any more. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  #later(run: () => void): void {
    const done = new Promise<void>((resolve) =>
      setTimeout(() => {
        run();
        resolve();
      }, 0)
    );
    this.#pending.add(done);
    done.then(() => this.#pending.delete(done));
  }
}
