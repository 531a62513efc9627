/**
 * `deno task test:faults`: many sessions under a seeded schedule of faults, and whether what must
 * hold has held. `--seed` has a run again, as far as time allows: what the network and the disk do
 * is not in the seed.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { runCommand, say } from "../../dev/terminal.ts";
import type { Call } from "./_eyes.ts";
import { Figures } from "./_figures.ts";
import { checkBudgets } from "./_budgets.ts";
import { type Found, type Plan, runPlan } from "./_schedule.ts";
import { withWorldInside } from "./_world_inside.ts";
import { withWorldOfProcesses } from "./_world_of_processes.ts";

/** Beyond what a process holds at the start: buffers, caches, and what was not yet collected. */
const MAX_GROWTH_MIB = 256;
const CHUNK_S = 0.5;

type WithWorld = typeof withWorldInside;

async function run(): Promise<number> {
  const plan = planOf(Deno.args);
  say(`seed ${plan.seed}: ${plan.sessions} sessions of ${plan.seconds} s at ${plan.fps} fps`);
  // The half of the sessions meets a database that fails, the other half servers that are killed.
  const half = Math.ceil(plan.sessions / 2);
  const inside = await runWorld("one process", withWorldInside, { ...plan, sessions: half });
  const rest = { ...plan, seed: plan.seed + 1, sessions: plan.sessions - half };
  const outside = await runWorld("two processes", withWorldOfProcesses, rest);
  return inside && outside ? 0 : 1;
}

async function runWorld(title: string, withWorld: WithWorld, plan: Plan): Promise<boolean> {
  const figures = new Figures();
  const calls: Call[] = [];
  const problems: string[] = [];
  let found: Found[] = [];
  await withWorld(CHUNK_S, (call) => calls.push(call), async (world) => {
    const beginMib = await world.rssMib();
    found = await runPlan(world, plan, figures);
    const endMib = await world.rssMib();
    figures.add("RSS at the beginning, MiB", Math.round(beginMib));
    figures.add("RSS at the end, MiB", Math.round(endMib));
    if (endMib - beginMib > MAX_GROWTH_MIB) {
      problems.push(`memory grew by ${Math.round(endMib - beginMib)} MiB`);
    }
  });
  figures.add("calls of the model", calls.length);
  problems.push(...checkBudgets(calls, null));
  say(`\n${title}\n${figures}`);
  for (const problem of problems) say(`VIOLATED ${problem}`);
  for (const { wearer, reason } of found) say(`VIOLATED wearer ${wearer}: ${reason}`);
  if (found[0]) say(`\nwearer ${found[0].wearer} heard:\n${found[0].log.join("\n")}`);
  return problems.length + found.length === 0;
}

function planOf(args: string[]): Plan {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      sessions: { type: "string", default: "200" },
      seconds: { type: "string", default: "20" },
    },
  });
  return {
    seed: Number(values.seed),
    sessions: Number(values.sessions),
    seconds: Number(values.seconds),
    fps: 6,
    faultsPerSecond: 0.6,
    worldFaultsPerSecond: 4,
  };
}

await runCommand(run);
