import { assert, assertEquals } from "@std/assert";
import { connectGlasses } from "../../dev/glasses.ts";
import { createScene } from "../../dev/scene.ts";
import { startSurroundings } from "../../dev/surroundings.ts";
import { DEFAULT_WEARER, sessionPrefix, type SessionRecord } from "../../kv/keys.ts";
import { type LocalModal, startLocalModal } from "../../modal/local/server.ts";
import { MAGIC_WORD, type TestForesight, withForesight } from "../_foresight.ts";
import { EYES, frame } from "./_vision.ts";

const GUEST = {
  "x-modal-token-id": "ak-guest",
  "x-modal-token-secret": "as-guest",
  "x-modal-app-name": "another",
  "x-modal-class-name": "Other",
};

/** A Foresight that knows of Modal nothing but the endpoint of a class. */
async function withEndpoint(
  settings: Record<string, string>,
  use: (foresight: TestForesight, modal: LocalModal) => Promise<void>,
): Promise<void> {
  const modal = await startLocalModal({ classes: [EYES], proxyTokens: { "wk-1": "ws-1" } });
  try {
    await withForesight({
      MODAL_TRANSPORT: "http",
      MODAL_ENDPOINT_URL: modal.endpointUrl(EYES),
      MODAL_PROXY_TOKEN_ID: "wk-1",
      MODAL_PROXY_TOKEN_SECRET: "ws-1",
      MODAL_SERVER_URL: modal.url,
      VISION_CHUNK_SECONDS: "0",
      VISION_RESULT_FLUSH_MS: "0",
      ...settings,
    }, (foresight) => use(foresight, modal));
  } finally {
    await modal.close();
  }
}

Deno.test("a live stream is captioned over HTTPS alone, failures and outages included [M5, V5, V8]", () =>
  withEndpoint({}, async ({ url }, modal) => {
    const glasses = await connectGlasses(url, { magicWord: MAGIC_WORD });
    glasses.send(frame(1));
    await glasses.heard((ack) => ack.caption === "saw 1 after ");
    glasses.send(frame(2));
    await glasses.heard((ack) => ack.caption === "saw 2 after 1");
    modal.faults.calls({ kind: "error", exception: "NoFrameDecodable('no frame decodes')" });
    glasses.send(frame(3));
    const refused = await glasses.heard((ack) => "inference_error" in ack);
    assertEquals(refused.inference_error, "NoFrameDecodable: no frame decodes");
    await modal.stop();
    glasses.send(frame(4));
    const away = "The model's endpoint cannot be reached";
    await glasses.heard((ack) => ack.inference_error === away);
    await modal.restart();
    glasses.send(frame(5));
    await glasses.heard((ack) => ack.caption === "saw 5 after 1,2");
    await glasses.leave();
    assertEquals(modal.seen.connections, 0, "no gRPC");
  }));

Deno.test("over HTTPS every stream uses the operator's token, and its own is sent nowhere [V10]", () =>
  withEndpoint(
    { MODAL_TOKEN_ID: "ak-house", MODAL_TOKEN_SECRET: "as-house" },
    async ({ url, kv, streams }, modal) => {
      const glasses = await connectGlasses(url, { magicWord: MAGIC_WORD, headers: GUEST });
      glasses.send(frame(1));
      await glasses.heard((ack) => ack.caption === "saw 1 after ");
      await glasses.leave();
      await streams.drain();
      const [record] = await Array.fromAsync(
        kv.list<SessionRecord>({ prefix: sessionPrefix(DEFAULT_WEARER) }),
      );
      assertEquals([record?.value.captionCount, record?.value.identity], [1, null]);
      const [call] = modal.seen.calls;
      assertEquals([call?.tokenId, call?.app, call?.className], ["wk-1", EYES.app, EYES.name]);
      assertEquals(modal.seen.connections, 0, "no gRPC");
    },
  ));

Deno.test("over HTTPS a stream without a proxy token is acknowledged and not captioned [V8]", () =>
  withEndpoint(
    { MODAL_PROXY_TOKEN_ID: "", MODAL_PROXY_TOKEN_SECRET: "" },
    async ({ url, streams }, modal) => {
      const glasses = await connectGlasses(url, { magicWord: MAGIC_WORD, headers: GUEST });
      glasses.send(frame(1));
      await glasses.heard((ack) => ack.frame === 1);
      await glasses.leave();
      await streams.drain();
      assertEquals([modal.seen.callCount, modal.seen.connections], [0, 0]);
    },
  ));

Deno.test("what dev sets up captions a picture over HTTPS too [M5]", async () => {
  const surroundings = await startSurroundings({ pokeReceived() {}, model: null });
  const settings = { ...surroundings.settings, MODAL_TRANSPORT: "http", VISION_CHUNK_SECONDS: "0" };
  await withForesight(settings, async ({ url }) => {
    const glasses = await connectGlasses(url, { magicWord: MAGIC_WORD });
    glasses.send(await createScene({ widthPx: 160, heightPx: 90 }).frameAt(0));
    const { caption } = await glasses.heard((ack) => "caption" in ack);
    assert(String(caption).length > 0);
    await glasses.leave();
  });
  await surroundings.close();
});
