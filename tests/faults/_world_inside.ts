/**
 * Two Foresights in this process, on one database that may fail.
 *
 * @module
 */
import { type LocalModal, startLocalModal } from "../../modal/local/server.ts";
import { withForesight } from "../_foresight.ts";
import { type Call, createEyes } from "./_eyes.ts";
import { FaultyKv } from "./_faulty_kv.ts";
import type { Random } from "./_random.ts";
import { SETTINGS, type World } from "./_world.ts";

const MIB = 2 ** 20;

/** Runs `use` in such a world, and leaves nothing behind. */
export async function withWorldInside(
  chunkS: number,
  called: (call: Call) => void,
  use: (world: World) => Promise<void>,
): Promise<void> {
  const modal = await startLocalModal({ classes: [createEyes(20, called)], keepCalls: 0 });
  const real = await Deno.openKv(":memory:");
  const faulty = new FaultyKv(real);
  const settings = {
    ...SETTINGS,
    MODAL_SERVER_URL: modal.url,
    VISION_CHUNK_SECONDS: String(chunkS),
  };
  const replaced = { kv: faulty.kv };
  try {
    await withForesight(settings, (first) =>
      withForesight(
        settings,
        (second) => use(createWorld([first.url, second.url], modal, real, faulty)),
        replaced,
      ), replaced);
  } finally {
    await modal.close();
    real.close();
  }
}

function createWorld(urls: string[], modal: LocalModal, real: Deno.Kv, kv: FaultyKv): World {
  return {
    urls: () => urls,
    modal,
    maxBufferFrames: 120,
    faults: {
      "kv refuses": (random: Random) => kv.failCommits({ kind: "refused" }, random.between(1, 8)),
      "kv answer lost": (random: Random) =>
        kv.failCommits({ kind: "answer lost" }, random.between(1, 8)),
      "kv slow": (random: Random) =>
        kv.failCommits({ kind: "slow", delayMs: random.between(20, 500) }, random.between(1, 8)),
      "kv unreadable": (random: Random) => kv.failReads(random.between(1, 6)),
    },
    calm() {
      kv.calm();
      modal.faults.clear();
      return Promise.resolve();
    },
    rssMib: () => Promise.resolve(Deno.memoryUsage().rss / MIB),
    books: () => Promise.resolve(real),
  };
}
