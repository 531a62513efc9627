/**
 * `deno task demo` as a command that a test can run.
 *
 * @module
 */

/** What `deno` must be given: the flags of the task, no more and no less, and the script. */
export async function demoCommand(): Promise<string[]> {
  const { tasks } = JSON.parse(await Deno.readTextFile("deno.json"));
  const [deno, run, ...rest] = String(tasks.demo).split(" ");
  if (deno !== "deno" || run !== "run") throw new Error(`Cannot run the demo as ${tasks.demo}`);
  return ["run", "--no-prompt", ...rest];
}
