/**
 * The timeline as it grows: `GET /timeline/live` over `fetch`, as `EventSource` can set no headers
 * (SPEC T6, T7).
 *
 * @module
 */
import { backOffMs } from "./_back_off.ts";
import { eventsOf } from "./_event_stream.ts";
import type { Requests } from "./_requests.ts";
import { pause } from "./platform.ts";
import { Incomplete, Refused } from "./refused.ts";
import type { LiveSegment } from "./records.ts";

/** The server says something every 15 s. */
const SILENCE_MS = 40_000;
const BACK_OFF = { firstMs: 1_000, maxMs: 30_000 };

/** What happens. */
export type LiveEvent =
  | { readonly kind: "open" }
  /** `position` goes on behind it, as `after`. */
  | { readonly kind: "segment"; readonly position: string; readonly segment: LiveSegment }
  /** More was missed than is said again: `GET /timeline` has it. */
  | { readonly kind: "gap"; readonly position: string; readonly detail: string }
  | { readonly kind: "waiting"; readonly delayMs: number; readonly reason: string };

/** Where to begin. */
export interface LiveOptions {
  readonly zone?: string;
  /** The position of an event to go on behind; without it the stream begins now. */
  readonly after?: string;
}

/**
 * Watches, over as many connections as it takes, until whoever iterates stops.
 *
 * Rejects with {@link Refused} where the server will not let it in.
 */
export function watchLive(
  requests: Requests,
  options: LiveOptions,
): AsyncIterableIterator<LiveEvent> {
  const controller = new AbortController();
  const events = watch(requests, options, controller.signal);
  return {
    next: () => events.next(),
    // A generator alone would wait for the next event before it stops.
    return() {
      controller.abort();
      return events.return(undefined);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

async function* watch(
  requests: Requests,
  { zone, after }: LiveOptions,
  signal: AbortSignal,
): AsyncGenerator<LiveEvent, undefined, void> {
  const { clock, random } = requests.platform;
  const place: Place = { position: after ?? "", retryMs: BACK_OFF.firstMs };
  for (let failures = 1; !signal.aborted; failures++) {
    let reason = "the stream ended";
    let atLeastMs = 0;
    try {
      for await (const event of listen(requests, zone, place, signal)) {
        failures = 0;
        yield event;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refused) {
        if (!error.isPassing) throw error;
        atLeastMs = error.retryAfterMs ?? 0;
      }
      reason = String(error);
    }
    if (signal.aborted) return;
    const firstMs = place.retryMs;
    const backedOffMs = backOffMs({ ...BACK_OFF, firstMs }, Math.max(1, failures), random());
    const delayMs = Math.max(atLeastMs, backedOffMs);
    yield { kind: "waiting", delayMs, reason };
    await pause(clock, delayMs, signal);
  }
}

/** How far it is, and how long the server wants to be left alone. */
interface Place {
  position: string;
  retryMs: number;
}

/** One connection. */
async function* listen(
  requests: Requests,
  zone: string | undefined,
  place: Place,
  signal: AbortSignal,
): AsyncGenerator<LiveEvent, void, void> {
  const { clock } = requests.platform;
  const controller = new AbortController();
  const abort = () => controller.abort();
  signal.addEventListener("abort", abort);
  const hangUp = () => controller.abort(new Incomplete(`nothing came for ${SILENCE_MS} ms`));
  let cancel = clock.after(SILENCE_MS, hangUp);
  const arrived = () => {
    cancel();
    cancel = clock.after(SILENCE_MS, hangUp);
  };
  try {
    const response = await requests.send("GET", "/timeline/live", {
      query: { zone },
      headers: place.position ? { "last-event-id": place.position } : {},
      signal: controller.signal,
    });
    yield { kind: "open" };
    for await (const { type, data, id, retryMs } of eventsOf(response.body!, arrived)) {
      place.position = id || place.position;
      place.retryMs = retryMs ?? place.retryMs;
      const { position } = place;
      if (type === "segment") yield { kind: "segment", position, segment: JSON.parse(data) };
      if (type === "gap") yield { kind: "gap", position, detail: JSON.parse(data).detail };
    }
  } finally {
    cancel();
    signal.removeEventListener("abort", abort);
  }
}
