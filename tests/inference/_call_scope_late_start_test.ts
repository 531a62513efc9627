import { assertEquals, assertStrictEquals } from "@std/assert";
import { callWithin, type Rpc, scoped } from "../../inference/_call_scope.ts";
import { createFakeClock } from "../_fake_clock.ts";

Deno.test("scoped starts nothing for a caller that has given up already", async () => {
  const clock = createFakeClock();
  const reason = new Error("the stream ended");
  const { promise: uploaded, resolve: upload } = Promise.withResolvers<void>();
  let started = 0;
  let lingering = 0;
  const hang: Rpc = (_request, { signal } = {}) => {
    started++;
    return new Promise((_, reject) =>
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true })
    );
  };
  const client = scoped({ functionMap: hang }, clock, (call) => {
    lingering++;
    call.then(() => lingering--);
  });
  const leaving = new AbortController();
  const call = callWithin(leaving.signal, async () => {
    await uploaded; // the SDK uploads large arguments with a fetch of its own, which takes no signal
    return await client.functionMap!({});
  }).catch((error) => error);
  leaving.abort(reason);
  assertStrictEquals(await call, reason);
  upload();
  await clock.tickAsync(60_000);
  assertEquals([started, lingering], [0, 0], "nothing is started, nothing lingers for good");
});
