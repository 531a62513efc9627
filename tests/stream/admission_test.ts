import { assertEquals } from "@std/assert";
import { Admission } from "../../stream/admission.ts";
import { createFakeClock } from "../_fake_clock.ts";

function admit(maxStreams: number) {
  const clock = createFakeClock();
  const streams = { size: 0, isDraining: false };
  const memory = { isFull: false };
  return {
    clock,
    streams,
    memory,
    admission: new Admission({ clock, streams, memory, maxStreams }),
  };
}

Deno.test("Admission counts who is coming with who is there", () => {
  const { streams, admission } = admit(2);
  streams.size = 1;
  const place = admission.take();
  assertEquals(place.kind, "taken");
  assertEquals(admission.take(), {
    kind: "refused",
    detail: "The server is full: it serves 2 streams",
    retryAfterS: 10,
  });
  if (place.kind === "taken") {
    place.leave();
    place.leave();
  }
  assertEquals(admission.take().kind, "taken");
});

Deno.test("Admission frees the place of a client that never arrives", () => {
  const { clock, admission } = admit(1);
  admission.take();
  clock.tick(9999);
  assertEquals(admission.take().kind, "refused");
  clock.tick(1);
  assertEquals([admission.take().kind, clock.pendingTimers], ["taken", 0]);
});

Deno.test("Admission refuses while memory is short, but never the only stream", () => {
  const { streams, memory, admission } = admit(0);
  streams.size = 1;
  memory.isFull = true;
  assertEquals(admission.refusal()?.detail, "The server is full: it is short of memory");
  streams.size = 0;
  assertEquals(admission.refusal(), null);
});

Deno.test("Admission without a limit lets everyone in, until the process goes away", () => {
  const { streams, admission } = admit(0);
  streams.size = 1e6;
  assertEquals(admission.refusal(), null);
  streams.isDraining = true;
  assertEquals(admission.refusal()?.retryAfterS, 5);
});
