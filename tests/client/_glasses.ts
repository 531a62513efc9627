/**
 * The client against a real Foresight, for the length of one test.
 *
 * @module
 */
import { connect, type Glasses, type GlassesOptions } from "../../client/glasses.ts";
import type { WebSocketClass } from "../../client/platform.ts";
import { MAGIC_WORD } from "../_foresight.ts";
import { createSockets, type Sockets } from "./_sockets.ts";

/** What lets the tests in. */
export const WORD = { kind: "word", word: MAGIC_WORD } as const;

/** Comes back at once, and loses no frame to newer ones. */
export const PATIENT = {
  maxWaiting: 600,
  maxUnacked: 600,
  backOff: { firstMs: 10, maxMs: 50 },
} as const;

/** How Foresight may be served. */
export const TRANSPORTS = ["ws", "native"] as const;

/** WebSockets that a client may have: `npm:ws`, as Deno's own has Nagle on, and that. */
export const CLASSES = ["npm:ws", "Deno"] as const;

/** Runs `use` with a client, and leaves nothing behind. */
export async function withGlasses(
  options: Partial<GlassesOptions> & Pick<GlassesOptions, "url">,
  use: (glasses: Glasses, sockets: Sockets) => Promise<void>,
): Promise<void> {
  const sockets = createSockets();
  const platform = { WebSocket: sockets.WebSocket, ...options.platform };
  const glasses = connect({ access: WORD, ...PATIENT, ...options, platform });
  try {
    await use(glasses, sockets);
  } finally {
    await glasses.close();
    sockets.close();
  }
}

/** A platform with one of {@link CLASSES}; `sockets` are those of `npm:ws`. */
export function platformOf(name: typeof CLASSES[number], sockets: Sockets) {
  const own = WebSocket as unknown as WebSocketClass;
  return { WebSocket: name === "Deno" ? own : sockets.WebSocket };
}

/** The next value that fits, and what comes behind it can still be heard; throws at the end. */
export async function first<T>(
  values: AsyncIterator<T>,
  fits: (value: T) => boolean = () => true,
): Promise<T> {
  for (;;) {
    const { done, value } = await values.next();
    if (done) throw new Error("It ended before that was heard");
    if (fits(value)) return value;
  }
}

/** So many values, likewise. */
export async function some<T>(values: AsyncIterator<T>, count: number): Promise<T[]> {
  const found: T[] = [];
  while (found.length < count) found.push(await first(values));
  return found;
}

/** Which frames a caption of `EYES` is about. */
export function seenIn(caption: string | undefined): number[] {
  return caption!.match(/^saw ([\d,]+)/)![1]!.split(",").map(Number);
}
