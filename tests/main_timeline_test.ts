import { assert, assertEquals } from "@std/assert";
import { startLocalModal } from "../modal/local/server.ts";
import { MAGIC_WORD } from "./_foresight.ts";
import { linesOf, listeningAt, startMain } from "./_main_process.ts";
import { withScratch } from "./_scratch.ts";
import { connectSession } from "./routes/_session.ts";
import { LiveClient } from "./routes/_timeline.ts";
import { EYES, frame, MODAL_SETTINGS } from "./routes/_vision.ts";

/** One of two processes on a database. */
async function start(settings: Record<string, string>) {
  const process = startMain({ ...MODAL_SETTINGS, MAGIC_WORD, ...settings });
  const lines = linesOf(process);
  const url = await listeningAt(lines);
  const asWearer = (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    headers.set("x-magic-word", MAGIC_WORD);
    return fetch(url + path, { ...init, headers });
  };
  const stop = async () => {
    const startedAtMs = performance.now();
    process.kill("SIGTERM");
    assertEquals((await Array.fromAsync(lines)).at(-1)?.event, "stopped");
    assertEquals((await process.status).code, 0);
    assertEquals(await new Response(process.stderr).text(), "");
    return performance.now() - startedAtMs;
  };
  return { url, fetch: asWearer, stop };
}

for (const SOCKET_TRANSPORT of ["ws", "native"]) {
  Deno.test(`main lets watch what another process on its file writes, and go on there, over ${SOCKET_TRANSPORT} [T6, T7]`, () =>
    withScratch(async (folder) => {
      const modal = await startLocalModal({ classes: [EYES] });
      const KV_PATH = `${folder}/kv.sqlite`;
      const settings = { SOCKET_TRANSPORT, KV_PATH, MODAL_SERVER_URL: modal.url };
      const one = await start(settings);
      const other = await start(settings);
      const watcher = await LiveClient.connect(other);
      await watcher.next();
      const { glasses, heard } = await connectSession(one.url);
      glasses.send(frame(1));
      await heard("result");
      const { id, data } = (await watcher.next())!;
      assertEquals(data.caption, "saw 1 after ");
      const stoppedMs = await other.stop();
      assert(stoppedMs < 4_000, `${stoppedMs} ms, with a watcher`);
      assertEquals(await watcher.next(), null);
      glasses.send(frame(2));
      await heard("result", ({ cursor }) => cursor === 2);
      const again = await LiveClient.connect(one, id!);
      assertEquals((await again.next())!.id, id);
      assertEquals((await again.next())!.data.caption, "saw 2 after 1");
      await again.leave();
      await glasses.leave();
      await one.stop();
      await modal.close();
    }));
}
