import { assert, assertEquals } from "@std/assert";
import { withForesight } from "../_foresight.ts";
import { withAssistant } from "./_assistant.ts";
import { connectSession } from "./_session.ts";
import { frame, withModal } from "./_vision.ts";
import { bearing, issueToken } from "./_wearers.ts";

Deno.test("/mcp pause_camera has no frame looked at, until it resumes [C3]", () =>
  withModal({}, async (foresight) => {
    const ann = await issueToken(foresight, "ann", ["stream", "read"]);
    const options = { magicWord: "", headers: bearing(ann) };
    const { glasses, heard } = await connectSession(foresight.url, {}, options);
    let sent = 0;
    const send = async () => {
      glasses.send(frame(++sent));
      const { status, reason } = await heard("ack", (ack) => ack.frame === sent);
      return reason ? `${status} (${reason})` : status;
    };
    assertEquals(await send(), "queued");
    await heard("result");
    await withAssistant(foresight, ann, async ({ call }) => {
      const paused = await call("pause_camera");
      assertEquals(paused.data.camera.until, null);
      assertEquals(
        paused.text,
        "The camera is paused until it is resumed: nothing is looked at.",
      );
      assertEquals(await send(), "dropped (paused)");
      const now = await call("what_am_i_seeing");
      assertEquals([now.data.live, now.data.camera.state], [true, "paused"]);
      assert(now.text.startsWith("The camera is paused"), now.text);
      const { data: { camera } } = await call("pause_camera", { minutes: 30 });
      assertEquals(camera.since, paused.data.camera.since);
      assert(Math.abs(Date.parse(camera.until) - Date.now() - 30 * 60_000) < 60_000);
      const on = await call("pause_camera", { resume: true });
      assertEquals(on.data.camera, { state: "on", since: null, until: null });
      assertEquals(await send(), "queued");
      assertEquals((await call("what_am_i_seeing")).data.camera.state, "on");
    });
    await glasses.leave();
  }));

Deno.test("/mcp pause_camera pauses nobody else's camera, and only for a time that is one [C2, C3]", () =>
  withForesight({}, async (foresight) => {
    const bob = await issueToken(foresight, "bob", ["admin"]);
    await withAssistant(foresight, bob, async ({ call }) => {
      const minutes = "minutes must be a whole number from 1 to 1440, or left out";
      const wrong: [args: Record<string, unknown>, problem: string][] = [
        [{ minutes: 0 }, `${minutes}: current value is 0`],
        [{ minutes: 1_441 }, `${minutes}: current value is 1441`],
        [{ minutes: 1.5 }, `${minutes}: current value is 1.5`],
        [{ resume: "yes" }, 'resume must be true or false: current value is "yes"'],
        [
          { minutes: 5, resume: true },
          "minutes must be left out where resume is true: current value is 5",
        ],
      ];
      for (const [args, problem] of wrong) {
        const { isError, text } = await call("pause_camera", args);
        assertEquals([isError, text], [true, problem]);
      }
      assertEquals((await call("pause_camera", { resume: true })).data.camera.state, "on");
      assertEquals((await call("pause_camera", { minutes: null })).data.camera.state, "paused");
    });
    const ann = await issueToken(foresight, "ann", ["read"]);
    await withAssistant(foresight, ann, async ({ call }) => {
      assertEquals((await call("what_am_i_seeing")).data.camera.state, "on");
    });
  }));
