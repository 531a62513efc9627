import { DatabaseSync } from "node:sqlite";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { connectGlasses } from "../dev/glasses.ts";
import { startLocalModal } from "../modal/local/server.ts";
import { MAGIC_WORD } from "./_foresight.ts";
import { linesOf, startMain } from "./_main_process.ts";
import { withScratch } from "./_scratch.ts";
import { until } from "./modal/local/_fixture.ts";
import { connectSession } from "./routes/_session.ts";
import { EYES, frame } from "./routes/_vision.ts";

const SQLITE_WAITS_MS = 5_000;

Deno.test("main says what is wrong with the configuration, and exits 1 before it listens", async () => {
  const process = startMain({ VISION_MAX_FPS: "fast", KV_URL: "nowhere", MAGIC_WORD: "hush" });
  const { code, stdout, stderr } = await process.output();
  const told = new TextDecoder().decode(stderr);
  assertEquals([code, stdout.length], [1, 0]);
  assertStringIncludes(told, "Cannot use VISION_MAX_FPS as it must be a number from 0 to 1000000");
  assertStringIncludes(told, "Cannot use KV_URL as it must be an address");
  assert(!told.includes("hush"), told);
});

Deno.test("main says that its port or its database cannot be had, and exits 1", () =>
  withScratch(async (folder) => {
    const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const noPort = startMain({
      PORT: String(taken.addr.port),
      KV_PATH: `${folder}/kv.sqlite`,
    });
    const noFolder = startMain({ KV_PATH: `${folder}/nowhere/kv.sqlite` });
    const [port, kv] = await Promise.all([noPort.output(), noFolder.output()]);
    taken.close();
    const told = [port, kv].map(({ stderr }) => new TextDecoder().decode(stderr));
    assertEquals([port.code, kv.code], [1, 1], told.join());
    assertStringIncludes(told[0]!, "Cannot start: PORT ");
    assertStringIncludes(told[1]!, "Cannot start: KV cannot be opened at ");
    assertEquals(told.map((text) => text.trim().split("\n").length), [1, 1], told.join());
  }));

Deno.test("main waits for a database that somebody else has locked for longer than SQLite waits", () =>
  withScratch(async (folder) => {
    const path = `${folder}/kv.sqlite`;
    const other = new DatabaseSync(path);
    other.exec("BEGIN EXCLUSIVE; CREATE TABLE t (a)");
    const process = startMain({ KV_PATH: path });
    // SQLite waits by its own clock.
    await new Promise((resolve) => setTimeout(resolve, SQLITE_WAITS_MS + 1_500));
    other.exec("ROLLBACK");
    other.close();
    const events = [];
    for await (const { event } of linesOf(process)) {
      events.push(event);
      if (event === "listening") process.kill("SIGTERM");
    }
    assertEquals([(await process.status).code, events.at(-1)], [0, "stopped"]);
    assertEquals(await new Response(process.stderr).text(), "");
  }));

Deno.test("main serves, sends its clients away with 1012 when told to stop, and exits 0 [V9]", () =>
  withScratch(async (folder) => {
    const process = startMain({ MAGIC_WORD: "hush", KV_PATH: `${folder}/kv.sqlite` });
    const lines = linesOf(process);
    let url = "";
    for await (const line of { [Symbol.asyncIterator]: () => ({ next: () => lines.next() }) }) {
      if (line.event !== "listening") continue;
      url = String(line.url);
      break;
    }
    const glasses = await connectGlasses(url, { magicWord: "hush" });
    glasses.send(new Uint8Array(10));
    await glasses.heard((ack) => ack.frame === 1);
    process.kill("SIGTERM");
    assertEquals((await glasses.ended).code, 1012);
    const rest = await Array.fromAsync(lines);
    assertEquals(rest.at(-1)?.event, "stopped");
    assertEquals((await process.status).code, 0);
    assertEquals(await new Response(process.stderr).text(), "");
  }));

Deno.test("main ends in time though the model hangs and a client does not read [S5, V9]", () =>
  withScratch(async (folder) => {
    const modal = await startLocalModal({ classes: [EYES] });
    modal.faults.calls({ kind: "hang" }, { times: 10 });
    const process = startMain({
      MAGIC_WORD,
      KV_PATH: `${folder}/kv.sqlite`,
      MODAL_SERVER_URL: modal.url,
      MODAL_TOKEN_ID: "ak-1",
      MODAL_TOKEN_SECRET: "as-1",
      VISION_CHUNK_SECONDS: "0",
    });
    const lines = linesOf(process);
    let url = "";
    while (!url) {
      const { event, url: found } = (await lines.next()).value!;
      if (event === "listening") url = String(found);
    }
    const stuck = await connectGlasses(url, { magicWord: MAGIC_WORD });
    stuck.pause();
    const client = await connectSession(url);
    client.glasses.send(frame(1));
    await until(() => modal.seen.callCount === 1);
    process.kill("SIGTERM");
    const { code } = await client.glasses.ended;
    assertEquals([code, client.of("notice").map((notice) => notice.code)], [1012, ["draining"]]);
    const rest = await Array.fromAsync(lines);
    assertEquals(rest.at(-1)?.event, "stopped");
    assertEquals((await process.status).code, 0);
    const [from, to] = ["stopping", "stopped"].map((event) =>
      Date.parse(String(rest.find((line) => line.event === event)!.at))
    );
    assert(to! - from! < 4_000, `${to! - from!} ms, and the platform kills after five seconds`);
    await process.stderr.cancel();
    stuck.vanish();
    await modal.close();
  }));

Deno.test("main sends a session away, and the next process on its database goes on with it [S4, S5]", () =>
  withScratch(async (folder) => {
    const settings = { MAGIC_WORD: "hush", KV_PATH: `${folder}/kv.sqlite` };
    let remembered: { session: string; resume: string; cursor: number } | undefined;
    for (let at = 0; at < 2; at++) {
      const process = startMain(settings);
      const lines = linesOf(process);
      let line = (await lines.next()).value;
      while (line && line.event !== "listening") line = (await lines.next()).value;
      const options = { magicWord: "hush" };
      const client = await connectSession(String(line?.url), remembered, options);
      const { session, resume, limits } = client.hello;
      assertEquals((limits as { captions: boolean }).captions, false);
      assertEquals(session, remembered?.session ?? session);
      remembered = { session, resume, cursor: 0 };
      process.kill("SIGTERM");
      assertEquals((await client.glasses.ended).code, 1012);
      assertEquals(client.of("notice").map(({ code }) => code), ["draining"]);
      assertEquals((await Array.fromAsync(lines)).at(-1)?.event, "stopped");
      assertEquals((await process.status).code, 0);
      assertEquals(await new Response(process.stderr).text(), "");
    }
  }));

Deno.test("main loads Modal's SDK before a stream needs it", () =>
  withScratch(async (folder) => {
    const tokens = { MODAL_TOKEN_ID: "ak-1", MODAL_TOKEN_SECRET: "as-1" };
    const settings = { KV_PATH: `${folder}/kv.sqlite`, LOG_LEVEL: "debug", ...tokens };
    const process = startMain(settings);
    const events: unknown[] = [];
    for await (const { event } of linesOf(process)) {
      events.push(event);
      if (event === "inference.prepared") process.kill("SIGINT");
    }
    assertEquals(events, [
      "access.closed",
      "listening",
      "inference.prepared",
      "stopping",
      "stopped",
    ]);
    await process.status;
    await process.stderr.cancel();
  }));

Deno.test("main lets nobody in without a magic word, and says so [A2]", () =>
  withScratch(async (folder) => {
    const process = startMain({ KV_PATH: `${folder}/kv.sqlite` });
    const lines = linesOf(process);
    const first = (await lines.next()).value;
    assertEquals([first?.event, first?.level], ["access.closed", "warn"]);
    const { url } = (await lines.next()).value!;
    const response = await fetch(`${url}/vision/stream?magic_word=`);
    assertEquals([response.status, await response.text()], [403, "forbidden"]);
    process.kill("SIGINT");
    await Array.fromAsync(lines);
    assertEquals((await process.status).code, 0);
    await process.stderr.cancel();
  }));
