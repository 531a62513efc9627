import { assertEquals } from "@std/assert";
import { lowVision } from "../../inference/profiles/low_vision.ts";
import { narrate } from "../../inference/profiles/narrate.ts";
import { connectGlasses } from "../../dev/glasses.ts";
import { MAGIC_WORD, withForesight } from "../_foresight.ts";
import { frame, withModal } from "./_vision.ts";

Deno.test("profiles are listed, the default first, each with what the model is told", () =>
  withForesight({}, async ({ fetch }) => {
    const { profiles } = await (await fetch("/profiles")).json();
    assertEquals(profiles.map(({ name }: { name: string }) => name), [
      "narrate",
      "low-vision",
      "coach",
      "field-work",
    ]);
    assertEquals(profiles[0], { ...narrate });
  }));

Deno.test("a stream looks for what its profile says, another for what is configured", () =>
  withModal({}, async ({ url }, modal) => {
    for (const query of ["?profile=low-vision", "?profile=", ""]) {
      const address = `${url.replace("http", "ws")}/vision/stream${query}`;
      const glasses = await connectGlasses(address, { magicWord: MAGIC_WORD });
      glasses.send(frame(1));
      await glasses.heard((ack) => "caption" in ack);
      await glasses.leave();
    }
    const prompts = modal.seen.calls.map((call) => call.args.prompt);
    assertEquals(prompts, [lowVision.prompt, narrate.prompt, narrate.prompt]);
  }));

Deno.test("a profile that does not exist is refused before the upgrade, naming those that do [H2]", () =>
  withForesight({}, async ({ fetch, streams }) => {
    const headers = { upgrade: "websocket" };
    const response = await fetch("/vision/stream?profile=poet", { headers });
    assertEquals([response.status, await response.json()], [422, {
      detail: "profile must be one of narrate, low-vision, coach, field-work: current value is " +
        '"poet"',
    }]);
    assertEquals(streams.size, 0);
  }));
