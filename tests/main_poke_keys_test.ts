import { assertEquals } from "@std/assert";
import { parseConfig } from "../config.ts";
import { pokeKeyKey, type PokeKeyRecord } from "../kv/poke_key_record.ts";
import { silentLogger } from "../log.ts";
import { type RunningApp, startApp } from "../main.ts";
import { withKvPath } from "./kv/_temp_kv.ts";

const OLD_KEY = "the-sealing-key-of-before-this-start";
const NEW_KEY = "a-sealing-key-that-only-tests-know";
const HEADERS = { "x-magic-word": "open-sesame" };

/** Runs `use` with the real app, whose database others have too. */
async function withApp(
  KV_PATH: string,
  SECRET_SEALING_KEYS: string,
  use: (app: RunningApp, path: string) => Promise<void>,
): Promise<void> {
  const outcome = parseConfig({
    KV_PATH,
    SECRET_SEALING_KEYS,
    MAGIC_WORD: "open-sesame",
    HOST: "127.0.0.1",
    PORT: "0",
  });
  if (outcome.kind === "invalid") throw new Error(outcome.problems.join("\n"));
  const app = await startApp(outcome.config, silentLogger);
  try {
    await use(app, `${app.url}/wearers/ann/poke-key`);
  } finally {
    await app.stop();
  }
}

Deno.test("main seals Poke keys anew as it keeps house, and not before [A16]", () =>
  withKvPath(async (path) => {
    const keyId = async () => {
      const kv = await Deno.openKv(path);
      const { value } = await kv.get<PokeKeyRecord>(pokeKeyKey("ann"));
      kv.close();
      return value!.keyId;
    };
    await withApp(path, OLD_KEY, async (_, url) => {
      const init = { method: "PUT", headers: HEADERS, body: '{"key":"pk_ann"}' };
      const { usable } = await (await fetch(url, init)).json();
      assertEquals(usable, true);
    });
    const before = await keyId();
    await withApp(path, `${NEW_KEY},${OLD_KEY}`, async (app) => {
      assertEquals(await keyId(), before, "who was there before must still open it");
      await app.keepHouse();
    });
    assertEquals(before === await keyId(), false);
    await withApp(path, NEW_KEY, async (_, url) => {
      const { usable } = await (await fetch(url, { headers: HEADERS })).json();
      assertEquals(usable, true);
    });
  }));
