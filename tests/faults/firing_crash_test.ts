import { assertEquals } from "@std/assert";
import { startLocalModal } from "../../modal/local/server.ts";
import { MAGIC_WORD } from "../_foresight.ts";
import { withKvPath } from "../kv/_temp_kv.ts";
import { startReceiver } from "../messaging/_channel_contract.ts";
import { addRule, createSight, eventsOf, seeing, wearing } from "../routes/_firing.ts";
import { MODAL_SETTINGS } from "../routes/_vision.ts";
import { ServerProcess } from "./_server_process.ts";

/** Of this and twenty seconds more is the lease that must be over. */
const INFERENCE_TIMEOUT_S = 4;

Deno.test("kill -9 between a rule's being due and its second look makes one event and one message [R6]", () =>
  withKvPath(async (path) => {
    const receiver = startReceiver();
    const sight = createSight();
    const modal = await startLocalModal({ classes: [seeing(sight)] });
    const server = new ServerProcess({
      ...MODAL_SETTINGS,
      MODAL_SERVER_URL: modal.url,
      MAGIC_WORD,
      KV_PATH: path,
      FORESIGHT_POKE_URL: receiver.url,
      FORESIGHT_POKE_API_KEY: "sk-house",
      VISION_INFERENCE_TIMEOUT_SECONDS: String(INFERENCE_TIMEOUT_S),
      BUDGET_CALLS_PER_MINUTE: "0",
    });
    try {
      await server.start();
      const { url } = server;
      const foresight = {
        url,
        fetch: (path: string, init: RequestInit = {}) =>
          fetch(url + path, { ...init, headers: { "x-magic-word": MAGIC_WORD } }),
      };
      const rule = await addRule(foresight, { when: "a dog" });
      const { promise: never, resolve: release } = Promise.withResolvers<string>();
      sight.look = () => never;
      const before = await wearing({ foresight, modal }, 1);
      await before.showUntil("a dog", () => sight.looks.length === 1);
      const outcomes = async () => (await eventsOf(foresight, rule)).map(({ outcome }) => outcome);
      assertEquals(await outcomes(), ["confirming"]);
      await server.kill();
      release("Yes, too late.");
      sight.look = null;
      await server.start();
      const { session, resume } = before.session.hello;
      const cursor = Number(before.session.of("result").at(-1)!.cursor);
      const remembered = { session, resume, cursor };
      const after = await wearing({ foresight, modal }, 1, { remembered, shows: "a dog" });
      await after.showUntil("a dog", () => receiver.received.length > 0, 60_000);
      await after.show("a dog", 10);
      await after.session.glasses.leave();
      assertEquals([await outcomes(), sight.looks.length], [["fired"], 2]);
      assertEquals(receiver.received.length, 1);
    } finally {
      await server.kill();
      await modal.close();
      await receiver.close();
    }
  }));
