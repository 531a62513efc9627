/**
 * `pause_camera`: nothing is looked at until the wearer wants it again.
 *
 * @module
 */
import { z } from "zod";
import type { CameraState } from "../wearers/camera.ts";
import { TIME } from "./_scenes.ts";
import { defineTool } from "./_tool.ts";

const MAX_MINUTES = 24 * 60;
const MINUTES_MUST = `must be a whole number from 1 to ${MAX_MINUTES}, or left out`;

/** A camera as assistants see it. */
export const CAMERA = z.object({
  state: z.enum(["on", "paused"]),
  since: TIME.nullable().describe("When it was paused; null: it is on"),
  until: TIME.nullable().describe("When it goes on by itself; null: only when it is resumed"),
});

/** Pauses, or goes on. */
export const pauseCamera = defineTool({
  name: "pause_camera",
  title: "Pause or resume the camera",
  description:
    "Pauses the wearer's camera: no picture is looked at or remembered on any of their devices, " +
    "until the minutes are over or it is resumed. Use it when the wearer asks for privacy or to stop " +
    "being recorded; with resume true to look again. Only on the wearer's own wish.",
  // As at POST /camera/pause: who only reads must not decide what is seen.
  scopes: ["stream", "admin"],
  annotations: {
    readOnlyHint: false,
    // What is not seen meanwhile is not got back.
    destructiveHint: true,
    idempotentHint: true,
    openWorldHint: false,
  },
  input: z.strictObject({
    minutes: z.int(MINUTES_MUST).min(1, MINUTES_MUST).max(MAX_MINUTES, MINUTES_MUST).optional()
      .describe("Goes on by itself after so long. Left out: stays paused until it is resumed."),
    resume: z.boolean("must be true or false").default(false)
      .describe("true: ends the pause instead"),
  }).refine(({ minutes, resume }) => minutes === undefined || !resume, {
    path: ["minutes"],
    error: "must be left out where resume is true",
  }),
  output: z.object({ camera: CAMERA }),
  async call({ wearer, cameras, clock }, { minutes, resume }) {
    const untilMs = minutes === undefined ? null : clock.epochMs() + minutes * 60_000;
    const state = resume ? await cameras.unpause(wearer) : await cameras.pause(wearer, untilMs);
    return { kind: "answered", text: cameraLine(state), data: { camera: cameraView(state) } };
  },
});

/** @see {@link CAMERA} */
export function cameraView(state: CameraState): z.infer<typeof CAMERA> {
  if (state.kind === "on") return { state: "on", since: null, until: null };
  const { sinceMs, untilMs } = state;
  return {
    state: "paused",
    since: new Date(sinceMs).toISOString(),
    until: untilMs === null ? null : new Date(untilMs).toISOString(),
  };
}

/** A sentence on it. */
export function cameraLine(state: CameraState): string {
  if (state.kind === "on") return "The camera is on.";
  const { until } = cameraView(state);
  const end = until ?? "it is resumed";
  return `The camera is paused until ${end}: nothing is looked at.`;
}
