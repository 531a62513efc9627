/**
 * Events out of an event stream
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation).
 *
 * @module
 */
import { linesOf } from "./_lines.ts";

/** One event. */
export interface StreamEvent {
  readonly type: string;
  readonly data: string;
  /** The id that was said last; empty: none yet. */
  readonly id: string;
  /** How long to wait before coming back; null: it was not said. */
  readonly retryMs: number | null;
}

/** Events as they come; also those without data, as they may carry an id. */
export async function* eventsOf(
  bytes: ReadableStream<Uint8Array>,
  arrived: () => void,
): AsyncGenerator<StreamEvent, void, void> {
  let id = "";
  let retryMs: number | null = null;
  let type = "";
  let data: string[] = [];
  let isEmpty = true;
  for await (const line of linesOf(bytes, arrived)) {
    if (line === "") {
      if (!isEmpty) yield { type: type || "message", data: data.join("\n"), id, retryMs };
      [type, data, isEmpty] = ["", [], true];
      continue;
    }
    const colon = line.indexOf(":");
    if (colon === 0) continue;
    isEmpty = false;
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") type = value;
    if (name === "data") data.push(value);
    if (name === "id" && !value.includes("\0")) id = value;
    if (name === "retry" && /^\d+$/.test(value)) retryMs = Number(value);
  }
}
