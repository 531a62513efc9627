/**
 * Where a test may write.
 *
 * @module
 */

/** Runs `use` with a new folder below `.scratch`, relative to the project, removed afterwards. */
export async function withScratch(use: (folder: string) => Promise<void>): Promise<void> {
  await Deno.mkdir(".scratch", { recursive: true });
  const folder = await Deno.makeTempDir({ dir: ".scratch", prefix: "test-" });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
