/**
 * Reading the command line.
 *
 * @module
 */
/**
 * Frames per second.
 *
 * @throws {Error} naming the option, what it must be and what it is
 */
export function fpsOf(text: string): number {
  const fps = Number(text);
  if (fps > 0 && fps <= 1000) return fps;
  throw new Error(
    `Cannot use --fps as it must be a number from 0 to 1000: current value is ${text}`,
  );
}
