import { assertEquals } from "@std/assert";
import { createLogger, LOG_LEVELS, type LogLevel, reasonOf, silentLogger } from "../log.ts";

/** What a logger of this level writes when it is told something at every level. */
function writtenAt(level: LogLevel): string[] {
  const lines: string[] = [];
  const log = createLogger(level, (line) => void lines.push(line));
  for (const lineLevel of LOG_LEVELS) log[lineLevel]("event");
  return lines.map((line) => JSON.parse(line).level);
}

Deno.test("createLogger writes what is at least as serious as its level", () => {
  assertEquals(writtenAt("debug"), ["debug", "info", "warn", "error"]);
  assertEquals(writtenAt("info"), ["info", "warn", "error"]);
  assertEquals(writtenAt("warn"), ["warn", "error"]);
  assertEquals(writtenAt("error"), ["error"]);
});

Deno.test("createLogger writes one JSON object a line, with the wall time it was given", () => {
  const lines: string[] = [];
  let nowMs = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
  const log = createLogger("info", (line) => void lines.push(line), () => nowMs);
  log.info("stream.opened", { session_id: "s", frames: 3, captioned: true, model: null });
  nowMs += 1000;
  log.warn("odd", { reason: 'a "quote"\r\nand a second line', left_out: undefined });
  assertEquals(lines, [
    '{"at":"2026-01-02T03:04:05.006Z","level":"info","event":"stream.opened",' +
    '"session_id":"s","frames":3,"captioned":true,"model":null}',
    '{"at":"2026-01-02T03:04:06.006Z","level":"warn","event":"odd",' +
    '"reason":"a \\"quote\\"\\r\\nand a second line"}',
  ]);
});

Deno.test("createLogger dates lines by the machine's clock where it is given none", () => {
  const lines: string[] = [];
  const before = Date.now();
  createLogger("info", (line) => void lines.push(line)).info("event");
  const atMs = Date.parse(JSON.parse(lines[0]!).at);
  assertEquals(atMs >= before && atMs <= Date.now(), true, lines[0]!);
});

Deno.test("silentLogger takes every level and writes nothing", () => {
  for (const level of LOG_LEVELS) silentLogger[level]("event", { reason: "unheard" });
});

Deno.test("reasonOf is the message of an error, and the text of anything else", () => {
  class Odd extends Error {}
  assertEquals([new Error("no"), new Odd("odd"), "text", 7, null, undefined].map(reasonOf), [
    "no",
    "odd",
    "text",
    "7",
    "null",
    "undefined",
  ]);
});
