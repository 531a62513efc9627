import { assert, assertEquals } from "@std/assert";
import { startLocalModal } from "../../modal/local/server.ts";
import type { Environment } from "../../config.ts";
import { withForesight } from "../_foresight.ts";
import { connectSession } from "./_session.ts";
import { EYES, frame, MODAL_SETTINGS } from "./_vision.ts";

const SAID = "A van says 555-0123 or ann@example.com, card 4111 1111 1111 1111.";
const HEARD = "A van says [phone] or [email], card [card].";
const DETAILS = ["555-0123", "5550123", "ann@example", "4111"];

/** Two chunks of a model that reads out what it sees: what is heard, asked along, and kept. */
async function readOut(settings: Environment) {
  const histories: unknown[] = [];
  const { infer_chunk } = EYES.methods;
  const call = ({ history }: Readonly<Record<string, unknown>>) => {
    histories.push(history);
    return { caption: SAID };
  };
  const methods = { infer_chunk: { ...infer_chunk!, call } };
  const modal = await startLocalModal({ classes: [{ ...EYES, methods }] });
  const heardCaptions: unknown[] = [];
  let kept = "";
  try {
    const all = { MODAL_SERVER_URL: modal.url, ...MODAL_SETTINGS, ...settings };
    await withForesight(all, async ({ url, kv, streams, logged }) => {
      const { glasses, heard } = await connectSession(url);
      for (const first of [1, 2]) {
        glasses.send(frame(first));
        const { cursor, caption } = await heard("result", ({ cursor }) => cursor === first);
        assertEquals(cursor, first);
        heardCaptions.push(caption);
      }
      await glasses.leave();
      await streams.drain();
      const entries = await Array.fromAsync(kv.list({ prefix: [] }));
      kept = JSON.stringify([entries, logged]);
    });
  } finally {
    await modal.close();
  }
  return { heardCaptions, histories, kept };
}

Deno.test("private details that the model reads out are told to nobody, nor kept [A10]", async () => {
  const { heardCaptions, histories, kept } = await readOut({});
  assertEquals(heardCaptions, [HEARD, HEARD]);
  assertEquals(histories, [[], [HEARD]]);
  assert(kept.includes(HEARD));
  for (const detail of DETAILS) assert(!kept.includes(detail), detail);
});

Deno.test("private details stay where CAPTION_REDACT is off [A10]", async () => {
  const { heardCaptions, histories } = await readOut({ CAPTION_REDACT: "off" });
  assertEquals([heardCaptions, histories], [[SAID, SAID], [[], [SAID]]]);
});
