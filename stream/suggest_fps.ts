/**
 * The frame rate to suggest to a client that sends too many (WIRE S5).
 *
 * @module
 */

/**
 * Frames per second that the glasses take, the highest first. With any other value they behave
 * unpredictably (flutter_meta_wearables_dat#34).
 */
const GLASSES_FPS = [30, 24, 15, 7, 2] as const;

/** The highest rate of the glasses that is at most `maxFps`; their lowest if there is none. */
export function suggestFps(maxFps: number): number {
  return GLASSES_FPS.find((fps) => fps <= maxFps) ?? GLASSES_FPS.at(-1)!;
}
