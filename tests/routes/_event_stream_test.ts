import { assertEquals, assertRejects } from "@std/assert";
import { type EventSource, eventStream, MAX_UNREAD_MS } from "../../routes/_event_stream.ts";
import { createFakeClock } from "../_fake_clock.ts";

/** A source that always has something to say. */
function talkative() {
  const source = {
    said: 0,
    stopped: 0,
    next: () => Promise.resolve(`data: ${++source.said}\n\n`),
    stop: () => void source.stopped++,
  };
  return source;
}

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

Deno.test("eventStream asks for nothing before its reader does [T7]", async () => {
  const [source, clock] = [talkative(), createFakeClock()];
  const reader = eventStream(source, clock).getReader();
  await clock.tickAsync(1);
  assertEquals(source.said, 0);
  assertEquals(text((await reader.read()).value), "data: 1\n\n");
  await clock.tickAsync(1);
  assertEquals(source.said, 1, "the next is not made ahead");
  await reader.cancel();
  assertEquals([source.stopped, clock.pendingTimers], [1, 0]);
});

Deno.test("eventStream drops a reader that does not read, before or after its first event [T7]", async () => {
  for (const reads of [0, 1]) {
    const [source, clock] = [talkative(), createFakeClock()];
    const reader = eventStream(source, clock).getReader();
    if (reads > 0) await reader.read();
    await clock.tickAsync(MAX_UNREAD_MS - 1);
    assertEquals(source.stopped, 0);
    await clock.tickAsync(1);
    assertEquals([source.stopped, source.said, clock.pendingTimers], [1, reads, 0]);
    await assertRejects(() => reader.read(), Error, "Nothing was read for 30000 ms");
  }
});

Deno.test("eventStream says a comment where there is nothing else, and ends with its source [T6]", async () => {
  const answers = ["", "data: 1\n\n", null];
  const waits: number[] = [];
  let stopped = 0;
  const source: EventSource = {
    next: (waitMs) => (waits.push(waitMs), Promise.resolve(answers.shift()!)),
    stop: () => void stopped++,
  };
  const clock = createFakeClock();
  const reader = eventStream(source, clock).getReader();
  const read = [await reader.read(), await reader.read(), await reader.read()];
  assertEquals(read.map(({ value }) => text(value)), [":\n\n", "data: 1\n\n", ""]);
  assertEquals([read[2]!.done, stopped, clock.pendingTimers], [true, 1, 0]);
  assertEquals(waits, [15_000, 15_000, 15_000]);
});
