import { assertEquals } from "@std/assert";
import { suggestFps } from "../../stream/suggest_fps.ts";

Deno.test("suggestFps only names rates that the glasses support [S5]", () => {
  const cases: [maxFps: number, suggested: number][] = [
    [0, 2],
    [1.9, 2],
    [2, 2],
    [6.99, 2],
    [7, 7],
    [10, 7],
    [15, 15],
    [23, 15],
    [24, 24],
    [29.9, 24],
    [30, 30],
    [60, 30],
    [Infinity, 30],
    [NaN, 2],
  ];
  for (const [maxFps, suggested] of cases) {
    assertEquals([maxFps, suggestFps(maxFps)], [maxFps, suggested]);
  }
});
