/**
 * What searches do to acks: one stream that sends a frame every few milliseconds, alone and while
 * somebody searches without a pause.
 *
 * @module
 */
import { connectGlasses } from "../dev/glasses.ts";
import { type Ask, search } from "./_day_reading.ts";
import { MAGIC_WORD } from "./_servers.ts";

const FRAMES = 300;
const WARM_UP_FRAMES = 50;
const FRAME_BYTES = 50_000;
const EVERY_MS = 15;

/** How long acks took, in milliseconds. */
export interface AckReport {
  readonly idle: readonly number[];
  readonly searching: readonly number[];
}

/** Streams twice, the second time beside searches for each text in turn. */
export async function acksBeside(
  url: string,
  ask: Ask,
  texts: readonly string[],
): Promise<AckReport> {
  const glasses = await connectGlasses(url, { magicWord: MAGIC_WORD });
  let sent = 0;
  const frame = new Uint8Array(FRAME_BYTES);
  const ackTimes = async (count: number) => {
    const times: number[] = [];
    while (times.length < count) {
      const beganMs = performance.now();
      const number = ++sent;
      glasses.send(frame);
      await glasses.heard((ack) => ack.frame === number);
      times.push(performance.now() - beganMs);
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
    return times;
  };
  await ackTimes(WARM_UP_FRAMES);
  const idle = await ackTimes(FRAMES);
  let isOver = false;
  const searched = (async () => {
    for (let at = 0; !isOver; at++) await search(ask, texts[at % texts.length]!);
  })();
  const searching = await ackTimes(FRAMES);
  isOver = true;
  await searched;
  await glasses.leave();
  return { idle, searching };
}
