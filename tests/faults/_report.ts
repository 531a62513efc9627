/**
 * Runs a plan and says what came of it.
 *
 * @module
 */
import { say } from "../../dev/terminal.ts";
import { checkBudget } from "./_budgets.ts";
import type { Call } from "./_eyes.ts";
import { Figures } from "./_figures.ts";
import { type Found, type Plan, runPlan } from "./_schedule.ts";
import { BUDGET, type World } from "./_world.ts";

/** Beyond what a process holds at the start: caches, buffers, and what was not yet collected. */
const MAX_GROWTH_MIB = 256;
/** In one process with the servers, a client, its line and its log of 400 messages hold theirs. */
const MAX_GROWTH_MIB_PER_SESSION = 3;

/** Runs `use` in a world; `called` hears of the model's calls. */
export type WithWorld = (
  called: (call: Call) => void,
  use: (world: World) => Promise<void>,
) => Promise<void>;

/** Runs the plan in a world, says its figures, and whether all that must hold has held. */
export async function runAndSay(title: string, plan: Plan, withWorld: WithWorld): Promise<boolean> {
  const figures = new Figures();
  const calls: Call[] = [];
  const problems: string[] = [];
  let found: Found[] = [];
  await withWorld((call) => calls.push(call), async (world) => {
    const beginMib = await world.rssMib();
    found = await runPlan(world, plan, figures);
    const endMib = await world.rssMib();
    figures.add("RSS at the beginning, MiB", Math.round(beginMib));
    figures.add("RSS at the end, MiB", Math.round(endMib));
    const maxMib = MAX_GROWTH_MIB + plan.sessions * MAX_GROWTH_MIB_PER_SESSION;
    if (endMib - beginMib > maxMib) {
      problems.push(`memory grew by ${Math.round(endMib - beginMib)} MiB, not ${maxMib} at most`);
    }
  });
  figures.add("calls of the model", calls.length);
  problems.push(...checkBudget(calls, BUDGET));
  say(`\n${title}\n${figures}`);
  for (const problem of problems) say(`VIOLATED ${problem}`);
  for (const { wearer, reason } of found) say(`VIOLATED wearer ${wearer}: ${reason}`);
  if (found[0]) say(`\nwearer ${found[0].wearer} heard:\n${found[0].log.join("\n")}`);
  return problems.length + found.length === 0;
}
