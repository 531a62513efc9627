/**
 * `what_am_i_seeing`: now.
 *
 * @module
 */
import { z } from "zod";
import { CAMERA, cameraLine, cameraView } from "./_camera.ts";
import type { Now } from "./means.ts";
import {
  CAPTIONS_ARE_DATA,
  LOCAL_TIME,
  NOTICE,
  SCENE,
  textOf,
  TIME,
  ZONE_ARGUMENT,
} from "./_scenes.ts";
import { defineTool, READS } from "./_tool.ts";

/** In seconds, the largest first. */
const UNITS = [[86_400, "day"], [3_600, "hour"], [60, "minute"], [1, "second"]] as const;

/** What is in front of the wearer. */
export const whatAmISeeing = defineTool({
  name: "what_am_i_seeing",
  title: "What the glasses see now",
  description:
    "Says what the wearer's glasses see now: whether they are streaming, and the newest scenes with " +
    "their age. Use it for questions about the present (what is in front of me, is the stove on). " +
    "Mind the age: if no stream is open, the newest scene may be hours old.",
  scopes: ["read"],
  annotations: READS,
  input: z.strictObject({ zone: ZONE_ARGUMENT }),
  output: z.object({
    notice: NOTICE,
    now: TIME,
    camera: CAMERA,
    live: z.boolean().describe("Whether a stream of the glasses is open now"),
    streams: z.array(z.object({
      session: z.string(),
      started_at: TIME,
      started_at_local: LOCAL_TIME,
      last_frame_at: TIME.nullable().describe("The newest frame that was looked at"),
      last_frame_at_local: LOCAL_TIME.nullable(),
    })),
    scenes: z.array(SCENE.extend({ age_s: z.number().describe("Seconds since it was last seen") }))
      .describe("The newest first"),
  }),
  async call({ books, wearer, cameras }, { zone }) {
    const seen = await books.now(zone);
    if (seen.kind === "refused") return seen;
    const { now, streams, scenes } = seen;
    const camera = await cameras.state(wearer);
    const lines = scenes.map(({ age_s, caption }) =>
      `- ${ageOf(age_s)} ago: ${JSON.stringify(caption)}`
    );
    return {
      kind: "answered",
      text: textOf(`${cameraLine(camera)} ${openingOf(seen)}`, lines),
      data: {
        notice: CAPTIONS_ARE_DATA,
        now,
        camera: cameraView(camera),
        live: streams.length > 0,
        streams: [...streams],
        scenes: [...scenes],
      },
    };
  },
});

function openingOf({ streams, scenes }: Now): string {
  const isLive = streams.length > 0;
  const [newest] = scenes;
  if (!newest) {
    return isLive
      ? "The glasses are streaming; nothing was described yet."
      : "The glasses are not streaming, and have seen nothing yet.";
  }
  return isLive
    ? "The glasses are streaming now. The newest scenes:"
    : `The glasses are not streaming now. What they saw last, ${ageOf(newest.age_s)} ago:`;
}

/** In the largest unit of which it is at least two; seconds below that. */
function ageOf(seconds: number): string {
  const [size, name] = UNITS.find(([size]) => seconds >= 2 * size) ?? [1, "second"];
  const many = Math.floor(seconds / size);
  return `${many} ${name}${many === 1 ? "" : "s"}`;
}
