import { assert, assertEquals } from "@std/assert";
import { erasingKey, type ErasingRecord } from "../../kv/erasing_keys.ts";
import { chunkKey, wearerPrefix } from "../../kv/keys.ts";
import { MAGIC_WORD } from "../_foresight.ts";
import { rawCount } from "../kv/_raw_file.ts";
import { withKvPath } from "../kv/_temp_kv.ts";
import { ServerProcess } from "./_server_process.ts";

const CHUNKS = 40_000;
const CAPTIONS = { ann: "ann saw the green door", wide: "ann saw ☕ alone", bob: "bob saw a dog" };

/** Chunks of two wearers, written in turns, so that their rows share pages. */
async function load(kv: Deno.Kv): Promise<void> {
  for (let at = 0; at < CHUNKS; at += 200) {
    const commit = kv.atomic();
    for (let index = at; index < at + 200; index++) {
      const caption = index % 2 === 0 ? CAPTIONS.ann : CAPTIONS.wide;
      commit.set(chunkKey("ann", "s", index), { caption, index });
      commit.set(chunkKey("bob", "s", index), { caption: CAPTIONS.bob, index });
    }
    await commit.commit();
  }
}

async function markOf(kv: Deno.Kv): Promise<ErasingRecord | null> {
  return (await kv.get<ErasingRecord>(erasingKey("ann"))).value;
}

/** Waits until the mark says so; answers how many records are erased by then. */
async function erasedBy(kv: Deno.Kv, fits: (erased: number) => boolean): Promise<number> {
  while (true) {
    const mark = await markOf(kv);
    const erased = mark?.counts.chunk ?? 0;
    if (mark && fits(erased)) return erased;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function countOf(kv: Deno.Kv, wearer: string): Promise<number> {
  let count = 0;
  for await (const _ of kv.list({ prefix: wearerPrefix(wearer) })) count++;
  return count;
}

Deno.test("an erasure whose process is killed is finished by the next, and the raw file is clean [A12]", () =>
  withKvPath(async (path) => {
    const kv = await Deno.openKv(path);
    await load(kv);
    const server = new ServerProcess({ KV_PATH: path, MAGIC_WORD });
    await server.start();
    const headers = { "x-magic-word": MAGIC_WORD };
    const asked = fetch(`${server.url}/wearers/ann`, { method: "DELETE", headers });
    const answers: unknown[] = [];
    asked.then((answer) => answers.push(answer), () => answers.push("lost"));
    const stops = [
      await erasedBy(kv, (erased) => erased > 0),
    ];
    await server.kill();
    await server.start();
    stops.push(await erasedBy(kv, (erased) => erased > stops[0]!));
    await server.kill();
    await server.start();
    stops.push(await erasedBy(kv, (erased) => erased > stops[1]!));
    await server.kill();
    assert((await markOf(kv))!.counts.chunk! < CHUNKS, `killed midway: ${stops}`);
    assertEquals(answers, ["lost"]);
    assert(await rawCount(path, CAPTIONS.ann) > 0, "there is something to scrub");
    await server.start();
    const state = async () => {
      const answer = await fetch(`${server.url}/wearers/ann/erasure`, { headers });
      return await answer.json();
    };
    let told = await state();
    while (told.state === "under_way") told = await state();
    assertEquals([told.counts, told.file], [{ chunk: CHUNKS }, "scrubbed"]);
    assertEquals(await countOf(kv, "ann"), 0);
    assertEquals(await countOf(kv, "bob"), CHUNKS);
    for (const caption of [CAPTIONS.ann, CAPTIONS.wide]) {
      assertEquals(await rawCount(path, caption), 0);
      assert(!server.lines.some((line) => line.includes(caption)));
    }
    assert(await rawCount(path, CAPTIONS.bob) >= CHUNKS);
    kv.close();
    await server.kill();
  }));
