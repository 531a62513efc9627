





import { backOffMs } from "./_back_off.js";
import { eventsOf } from "./_event_stream.js";

import { pause } from "./platform.js";
import { Incomplete, Refused } from "./refused.js";



const SILENCE_MS = 40_000;
const BACK_OFF = { firstMs: 1_000, maxMs: 30_000 };






















export function watchLive(
  requests          ,
  options             ,
)                                   {
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
  requests          ,
  { zone, after }             ,
  signal             ,
)                                             {
  const { clock, random } = requests.platform;
  const place        = { position: after ?? "", retryMs: BACK_OFF.firstMs };
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








async function* listen(
  requests          ,
  zone                    ,
  place       ,
  signal             ,
)                                        {
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
    for await (const { type, data, id, retryMs } of eventsOf(response.body , arrived)) {
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
