import { assertEquals } from "@std/assert";
import { forbiddenImports, type SourceFile } from "./_layering.ts";

const ROOT = new URL("../", import.meta.url);

Deno.test("imports follow the way of the data, and never back up", async () => {
  const files = await Array.fromAsync(sourceFiles(""));
  assertEquals(files.some(({ path }) => path === "stream/session.ts"), true, "found the sources");
  assertEquals(forbiddenImports(files), []);
});

Deno.test("the layering rules catch what they forbid", () => {
  const caught = (path: string, text: string) => forbiddenImports([{ path, text }]).length > 0;
  const cases: [path: string, text: string][] = [
    ["kv/sessions.ts", 'import { x } from "../stream/session.ts";'],
    ["inference/modal.ts", 'import type { X } from "../stream/session.ts";'],
    ["stream/session.ts", 'import { Hono } from "@hono/hono";'],
    ["stream/session.ts", 'import { x } from "../messaging/poke.ts";'],
    ["routes/poke.ts", 'import { x } from "../stream/_frame_rate.ts";'],
    ["routes/vision.ts", 'const { x } = await import("../modal/local/server.ts");'],
    ["inference/noop.ts", 'import { ModalClient } from "modal";'],
    ["routes/mcp.ts", 'import { McpServer } from "@modelcontextprotocol/server";'],
    ["assistant/_server.ts", 'import { segmentView } from "../routes/_records.ts";'],
    ["kv/keys.ts", 'export * from "../inference/client.ts";'],
    ["stream/session.ts", 'const word = Deno.env.get("MAGIC_WORD");'],
    ["kv/sessions.ts", "const kv = await Deno.openKv();"],
    ["routes/health.ts", 'Deno.cron("sweep", "* * * * *", () => {});'],
    ["client/glasses.ts", 'import { systemClock } from "../clock.ts";'],
    ["client/messages.ts", 'import { z } from "zod";'],
    ["console/api.ts", 'import { parseConfig } from "../config.ts";'],
    ["console/api.ts", 'import { Feed } from "../client/_feed.ts";'],
    ["routes/console.ts", 'import { Shell } from "../console/shell.tsx";'],
    ["client/glasses.ts", 'import { entry } from "../console/entry.ts";'],
    ["timeline/segments.ts", 'import { signal } from "@preact/signals";'],
    ["utils/x.ts", "export {};"],
  ];
  for (const [path, text] of cases) {
    assertEquals([path, text, caught(path, text)], [path, text, true]);
  }
  assertEquals(caught("stream/session.ts", 'import { x } from "../kv/keys.ts";'), false);
  assertEquals(caught("kv/sessions.ts", 'import { x } from "./_retry.ts";'), false);
});

async function* sourceFiles(folder: string): AsyncGenerator<SourceFile> {
  for await (const entry of Deno.readDir(new URL(folder || ".", ROOT))) {
    const path = `${folder}${entry.name}`;
    if (entry.isDirectory && !/^(\.|node_modules|links$|tests$|bench$)/.test(entry.name)) {
      yield* sourceFiles(`${path}/`);
    } else if (entry.isFile && /\.tsx?$/.test(entry.name) && !entry.name.endsWith(".d.ts")) {
      yield { path, text: await Deno.readTextFile(new URL(path, ROOT)) };
    }
  }
}
