/**
 * An event stream's bytes (https://html.spec.whatwg.org/multipage/server-sent-events.html).
 *
 * Nothing is made before the client's connection asks for it, so a slow reader costs one event of
 * memory; one that asks for nothing for {@link MAX_UNREAD_MS} is hung up on.
 *
 * @module
 */
import type { Cancel, Clock } from "../clock.ts";

/** Proxies end connections on which nothing moves, often after 30 s or 60 s. */
export const HEARTBEAT_MS = 15_000;
/** A client takes no longer to read what is there, or it has gone. */
export const MAX_UNREAD_MS = 30_000;

/** Where events come from. One call at a time. */
export interface EventSource {
  /** The next events as text; empty: nothing within `waitMs`; null: it is over. Never rejects. */
  next(waitMs: number): Promise<string | null>;
  /** Lets go of it; called once, however the stream ends. */
  stop(): void;
}

/** The stream that a response has as its body. */
export function eventStream(source: EventSource, clock: Clock): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let cancelDrop: Cancel = () => {};
  let isOver = false;
  const end = () => {
    cancelDrop();
    if (isOver) return;
    isOver = true;
    source.stop();
  };
  const dropUnread = (controller: ReadableStreamDefaultController<Uint8Array>) => {
    cancelDrop = clock.after(MAX_UNREAD_MS, () => {
      end();
      const error = new Error(`Nothing was read for ${MAX_UNREAD_MS} ms`);
      // Over node:http it is printed, and where it came from says nothing.
      error.stack = String(error);
      // Not close(): that would wait until everything is read.
      controller.error(error);
    });
  };
  return new ReadableStream({
    // Also for one whose first byte nobody asks for.
    start: dropUnread,
    async pull(controller) {
      cancelDrop();
      const events = await source.next(HEARTBEAT_MS);
      if (isOver) return;
      if (events === null) {
        end();
        return controller.close();
      }
      controller.enqueue(encoder.encode(events || ":\n\n"));
      dropUnread(controller);
    },
    cancel: end,
    // No event is made ahead.
  }, { highWaterMark: 0 });
}
