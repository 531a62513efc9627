import { assertEquals } from "@std/assert";
import { retryAfterMsOf } from "../../messaging/_retry_after.ts";

const NOW_MS = Date.UTC(2026, 10, 20, 12);

Deno.test("retryAfterMsOf reads seconds and dates, and takes nothing else for either [O3]", () => {
  const cases: [string | null, number | null][] = [
    ["0", 0],
    ["120", 120_000],
    [" 7 ", 7_000],
    ["Fri, 20 Nov 2026 12:01:30 GMT", 90_000],
    ["Friday, 20-Nov-26 12:01:30 GMT", 90_000],
    ["Fri, 20 Nov 2026 11:00:00 GMT", 0],
    [null, null],
    ["", null],
    ["-1", null],
    ["1.5", null],
    ["1e3", null],
    ["soon", null],
    ["Someday", null],
    ["2026-11-20T12:01:30Z", null],
    ["9".repeat(30), null],
  ];
  for (const [header, expected] of cases) {
    assertEquals(retryAfterMsOf(header, NOW_MS), expected, String(header));
  }
});
