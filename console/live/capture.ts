/**
 * Pictures become frames: JPEG, at the pace and size of glasses.
 *
 * @module
 */

/** What glasses can be set to. */
export const FRAME_RATES = [2, 7, 15, 24] as const;

/** Upright; a source that lies has the sides swapped. */
export const RESOLUTIONS = {
  low: { short: 360, long: 640 },
  medium: { short: 504, long: 896 },
  high: { short: 720, long: 1280 },
} as const;

/** The name of a size. */
export type Resolution = keyof typeof RESOLUTIONS;

/** As they stand for the next frame. */
export interface CaptureSettings {
  readonly fps: number;
  readonly resolution: Resolution;
}

const JPEG_QUALITY = 0.72;

/**
 * Takes frames until it is stopped. A frame that comes late is not made good.
 *
 * @param settings asked before each frame
 * @param take gets each with the time at which it was seen, in milliseconds since 1970
 * @returns stops it
 */
export function capture(
  video: HTMLVideoElement,
  settings: () => CaptureSettings,
  take: (jpeg: Uint8Array<ArrayBuffer>, capturedAtMs: number) => void,
): () => void {
  const canvas = document.createElement("canvas");
  let isStopped = false;
  let timer = 0;
  let nextAtMs = performance.now();
  const step = async () => {
    const { fps, resolution } = settings();
    nextAtMs = Math.max(nextAtMs + 1000 / fps, performance.now());
    const capturedAtMs = Date.now();
    const jpeg = await jpegOf(video, canvas, resolution);
    if (isStopped) return;
    if (jpeg) take(jpeg, capturedAtMs);
    timer = setTimeout(step, Math.max(0, nextAtMs - performance.now()));
  };
  step();
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}

/** Null: there is no picture yet. */
async function jpegOf(
  video: HTMLVideoElement,
  canvas: HTMLCanvasElement,
  resolution: Resolution,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const { videoWidth, videoHeight, readyState } = video;
  if (readyState < HTMLMediaElement.HAVE_CURRENT_DATA || videoWidth === 0) return null;
  const { short, long } = RESOLUTIONS[resolution];
  const isUpright = videoHeight > videoWidth;
  const width = isUpright ? short : long;
  const height = isUpright ? long : short;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  // The middle of the picture, filled: glasses have no bars.
  const scale = Math.max(width / videoWidth, height / videoHeight);
  const [cutWidth, cutHeight] = [width / scale, height / scale];
  const [left, top] = [(videoWidth - cutWidth) / 2, (videoHeight - cutHeight) / 2];
  canvas.getContext("2d")!
    .drawImage(video, left, top, cutWidth, cutHeight, 0, 0, width, height);
  const blob = await new Promise<Blob | null>((resolve) =>
    canvas.toBlob(resolve, "image/jpeg", JPEG_QUALITY)
  );
  return blob && new Uint8Array(await blob.arrayBuffer());
}
