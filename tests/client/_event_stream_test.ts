import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { eventsOf, type StreamEvent } from "../../client/_event_stream.ts";

const TEXT = [
  "retry: 1000\nid: 1\n\n",
  ": a comment\n\n",
  'id: 2\r\nevent: segment\r\ndata: {"caption":"Grüße 🚲"}\r\n\r\n',
  "event: gap\rdata: one\rdata:two\r\r",
  "data\nunknown: field\n\n",
  "data: cut off",
].join("");
const EVENTS: StreamEvent[] = [
  { type: "message", data: "", id: "1", retryMs: 1000 },
  { type: "segment", data: '{"caption":"Grüße 🚲"}', id: "2", retryMs: 1000 },
  { type: "gap", data: "one\ntwo", id: "2", retryMs: 1000 },
  { type: "message", data: "", id: "2", retryMs: 1000 },
];

Deno.test("events are the same wherever the network cuts their bytes", async () => {
  const bytes = new TextEncoder().encode(TEXT);
  const place = fc.integer({ min: 0, max: bytes.length });
  const places = fc.uniqueArray(place, { maxLength: 30, size: "max" });
  await fc.assert(
    fc.asyncProperty(places, async (cuts) => {
      const ends = [...cuts.sort((a, b) => a - b), bytes.length];
      const pieces = ends.map((end, at) => bytes.slice(ends[at - 1] ?? 0, end));
      const events = await Array.fromAsync(eventsOf(ReadableStream.from(pieces), () => {}));
      assertEquals(events, EVENTS);
    }),
    { seed: 3 },
  );
  const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
  assertEquals(await Array.fromAsync(eventsOf(ReadableStream.from(single), () => {})), EVENTS);
});
