import { assertEquals, assertStringIncludes } from "@std/assert";
import { connectGlasses } from "../../dev/glasses.ts";
import { startOpenAiServer } from "../inference/_openai_server.ts";
import { MAGIC_WORD, withForesight } from "../_foresight.ts";
import { frame, withModal } from "./_vision.ts";

const KEY = "sk-local";

Deno.test("vision stream is captioned by the next model while Modal is away, and by Modal again", async () => {
  const server = startOpenAiServer(KEY);
  server.behave({ kind: "answers", say: ({ frames }) => `openai saw ${frames[0]![0]}` });
  const settings = {
    INFERENCE: "modal,openai",
    OPENAI_BASE_URL: server.baseUrl,
    OPENAI_API_KEY: KEY,
    OPENAI_MODEL: "eyes",
  };
  await withModal(settings, async ({ url }, modal) => {
    const glasses = await connectGlasses(url, { magicWord: MAGIC_WORD });
    const captionOf = async (number: number) => {
      glasses.send(frame(number));
      const ack = await glasses.heard(({ caption }) =>
        new RegExp(`saw ${number}\\b`).test(`${caption}`)
      );
      return String(ack.caption);
    };
    // Whichever opens first answers first; then Modal, as it is preferred.
    let number = 1;
    while (!(await captionOf(number)).startsWith("saw")) number++;
    await modal.stop();
    assertStringIncludes(await captionOf(++number), "openai saw");
    await modal.restart();
    assertEquals((await captionOf(++number)).startsWith("saw"), true);
    assertEquals(glasses.acks.filter((ack) => "inference_error" in ack), []);
    await glasses.leave();
  });
  await server.stop();
});

Deno.test("vision stream needs no Modal where another model is configured", async () => {
  const server = startOpenAiServer(KEY);
  const settings = {
    INFERENCE: "openai",
    OPENAI_BASE_URL: server.baseUrl,
    OPENAI_API_KEY: KEY,
    OPENAI_MODEL: "eyes",
    VISION_CHUNK_SECONDS: "0",
    VISION_RESULT_FLUSH_MS: "0",
  };
  await withForesight(settings, async ({ url }) => {
    const glasses = await connectGlasses(url, { magicWord: MAGIC_WORD });
    glasses.send(frame(1));
    const ack = await glasses.heard(({ caption }) => caption === "seen");
    assertEquals(ack.tokens_generated, 4);
    await glasses.leave();
  });
  await server.stop();
});
