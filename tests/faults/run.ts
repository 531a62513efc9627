/**
 * `deno task test:faults`: many sessions under a seeded schedule of faults, and whether what must
 * hold has held. `--seed` has a run again, as far as time allows: what the network and the disk do
 * is not in the seed.
 *
 * `--kill` is the acceptance run: nothing goes wrong but that the servers are killed ten times, first
 * one server, then two between which the clients hop at every new connection.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { runCommand, say } from "../../dev/terminal.ts";
import { runAndSay } from "./_report.ts";
import type { Plan } from "./_schedule.ts";
import { withWorldInside } from "./_world_inside.ts";
import { withWorldOfProcesses } from "./_world_of_processes.ts";

const SHORT_CHUNK_S = 0.5;
/** As deployed. */
const CHUNK_S = 1;
const KILLS = 10;

async function run(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      sessions: { type: "string" },
      seconds: { type: "string" },
      kill: { type: "boolean", default: false },
    },
  });
  const seed = Number(values.seed);
  const sessions = Number(values.sessions ?? (values.kill ? 3 : 200));
  const seconds = Number(values.seconds ?? (values.kill ? 60 : 20));
  say(`seed ${seed}: ${sessions} sessions of ${seconds} s`);
  const size = { seed, sessions, seconds };
  return await (values.kill ? endure(size) : runFaults(size)) ? 0 : 1;
}

type Size = Pick<Plan, "seed" | "sessions" | "seconds">;

/** Half of the sessions meet a database that fails, the other half servers that are killed. */
async function runFaults(size: Size): Promise<boolean> {
  const half = Math.ceil(size.sessions / 2);
  const rates = { fps: 6, faultsPerSecond: 0.6, worldFaultsPerSecond: 4, kills: 0, hops: false };
  const phones = Math.ceil(half / 10);
  const inside = await runAndSay(
    "One process, two applications, a database that fails",
    { ...size, ...rates, sessions: half, phones },
    (called, use) => withWorldInside(SHORT_CHUNK_S, called, use),
  );
  const outside = await runAndSay(
    "Two processes on one database, killed now and then",
    { ...size, ...rates, sessions: size.sessions - half, phones },
    (called, use) => withWorldOfProcesses(SHORT_CHUNK_S, called, use),
  );
  return inside && outside;
}

async function endure(size: Size): Promise<boolean> {
  const rates = { fps: 3, faultsPerSecond: 0, worldFaultsPerSecond: 0, kills: KILLS, phones: 1 };
  const alone = await runAndSay(
    `One process, killed ${KILLS} times`,
    { ...size, ...rates, hops: false },
    (called, use) => withWorldOfProcesses(CHUNK_S, called, use, 1),
  );
  const hopping = await runAndSay(
    `Two processes on one database, killed ${KILLS} times, a hop at every connection`,
    { ...size, ...rates, hops: true },
    (called, use) => withWorldOfProcesses(CHUNK_S, called, use, 2),
  );
  return alone && hopping;
}

await runCommand(run);
