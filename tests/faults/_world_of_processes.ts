/**
 * Real servers, each a process of its own, on one database file.
 *
 * @module
 */
import { usageOf } from "../../bench/_proc.ts";
import { type LocalModal, startLocalModal } from "../../modal/local/server.ts";
import { MAGIC_WORD } from "../_foresight.ts";
import { withScratch } from "../_scratch.ts";
import { type Call, createEyes } from "./_eyes.ts";
import { ServerProcess } from "./_server_process.ts";
import { SETTINGS, type World } from "./_world.ts";

/** Runs `use` in such a world of two servers, and leaves nothing behind. */
export async function withWorldOfProcesses(
  chunkS: number,
  called: (call: Call) => void,
  use: (world: World) => Promise<void>,
  processes = 2,
): Promise<void> {
  await withScratch(async (folder) => {
    const modal = await startLocalModal({ classes: [createEyes(20, called)], keepCalls: 0 });
    const path = `${folder}/kv.sqlite`;
    const settings = {
      ...SETTINGS,
      MAGIC_WORD,
      KV_PATH: path,
      MODAL_SERVER_URL: modal.url,
      VISION_CHUNK_SECONDS: String(chunkS),
    };
    const servers = Array.from({ length: processes }, () => new ServerProcess(settings));
    const books: Deno.Kv[] = [];
    try {
      await Promise.all(servers.map((server) => server.start()));
      await use(createWorld(servers, modal, async () => {
        books.push(await Deno.openKv(path));
        return books[0]!;
      }));
    } finally {
      for (const kv of books) kv.close();
      await Promise.all(servers.map((server) => server.kill()));
      await modal.close();
    }
  });
}

function createWorld(
  servers: readonly ServerProcess[],
  modal: LocalModal,
  books: () => Promise<Deno.Kv>,
): World {
  const restarts = new Map<ServerProcess, Promise<void>>();
  const restart = (server: ServerProcess) => {
    const running = restarts.get(server) ?? server.kill().then(() => server.start())
      .finally(() => restarts.delete(server));
    restarts.set(server, running);
    return running;
  };
  return {
    urls: () => servers.map(({ url }) => url),
    modal,
    maxBufferFrames: 120,
    faults: { "server killed": (random) => restart(random.pick(servers)) },
    async calm() {
      modal.faults.clear();
      await Promise.all(restarts.values());
    },
    async rssMib() {
      const usages = await Promise.all(servers.map(({ pid }) => usageOf(pid)));
      return Math.max(...usages.map(({ rssMib }) => rssMib));
    },
    books,
  };
}
