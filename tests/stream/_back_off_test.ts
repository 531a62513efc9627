import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { retryDelayMs } from "../../stream/_back_off.ts";

const delays = (wasOpen: boolean, random: () => number) =>
  Array.from({ length: 8 }, (_, failures) => retryDelayMs(failures, wasOpen, random));

Deno.test("retryDelayMs doubles from one second to half a minute [V8]", () => {
  const expected = [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000];
  assertEquals(delays(false, () => 0), expected);
});

Deno.test("retryDelayMs is nothing the first time, where the model was just there", () => {
  const expected = [0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000];
  assertEquals(delays(true, () => 0), expected);
});

Deno.test("retryDelayMs takes off up to a fifth, so that streams come back one by one", () => {
  assertEquals(retryDelayMs(2, false, () => 0.5), 3600);
  assertEquals(retryDelayMs(2, false, () => 1), 3200);
  assertEquals(retryDelayMs(9, true, () => 1), 24_000);
});

Deno.test("retryDelayMs stays within its bounds by its own dice, however often it failed", () => {
  fc.assert(fc.property(fc.nat(5000), fc.boolean(), (failures, wasOpen) => {
    const longest = retryDelayMs(failures, wasOpen, () => 0);
    const delayMs = retryDelayMs(failures, wasOpen);
    assert(delayMs <= longest && delayMs >= 0.8 * longest && longest <= 30_000, `${delayMs}`);
  }));
});
