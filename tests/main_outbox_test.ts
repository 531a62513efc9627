import { assertEquals } from "@std/assert";
import { systemClock } from "../clock.ts";
import { DEFAULT_WEARER } from "../kv/keys.ts";
import { linesOf, listeningAt, startMain } from "./_main_process.ts";
import { withKvPath } from "./kv/_temp_kv.ts";
import { startReceiver } from "./messaging/_channel_contract.ts";
import { createBench } from "./messaging/_outbox.ts";

Deno.test("main sends what another process has left behind, before anyone asks [O2]", () =>
  withKvPath(async (path) => {
    const receiver = startReceiver();
    const kv = await Deno.openKv(path);
    const { outbox, add, get } = createBench(kv, { clock: systemClock });
    const wearer = DEFAULT_WEARER;
    const poke = await add({ wearer, channel: "poke", text: "by Poke" });
    const webhook = await add({ wearer, channel: "webhook", to: receiver.url, text: "by webhook" });
    const main = startMain({
      KV_PATH: path,
      FORESIGHT_POKE_URL: receiver.url,
      FORESIGHT_POKE_API_KEY: "sk-house",
      WEBHOOK_SIGNING_KEYS: "a-webhook-key-that-only-tests-know",
      WEBHOOK_ALLOW_LOOPBACK: "on",
    });
    const lines = linesOf(main);
    await listeningAt(lines);
    const isDelivered = async (id: string) => (await get(id, wearer)).state.kind === "delivered";
    while (!(await isDelivered(poke) && await isDelivered(webhook))) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assertEquals(receiver.received.length, 2);
    main.kill("SIGTERM");
    assertEquals((await Array.fromAsync(lines)).at(-1)?.event, "stopped");
    assertEquals((await main.status).code, 0);
    assertEquals(await new Response(main.stderr).text(), "");
    await outbox.close();
    kv.close();
    await receiver.close();
  }));
