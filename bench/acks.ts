/**
 * `deno task bench`: what an ack costs Foresight, beside a bare echo in the same run.
 *
 * @module
 */
import { runCommand, say } from "../dev/terminal.ts";
import { type Life, measureLife, type Round } from "./_measure.ts";
import { type BenchOptions, optionsOf } from "./_options.ts";
import { describeMachine } from "./_proc.ts";
import { type BenchReport, type LoadRows, markdownOf } from "./_report.ts";
import { bareEcho, type Contender, foresight, startModalStub } from "./_servers.ts";

const SCRATCH = ".scratch";

async function bench(): Promise<number> {
  const options = optionsOf(Deno.args);
  const startedAt = new Date().toISOString();
  const machine = await describeMachine();
  await using ends = new AsyncDisposableStack();
  await Deno.mkdir(SCRATCH, { recursive: true });
  const folder = await Deno.makeTempDir({ dir: SCRATCH, prefix: "bench-" });
  ends.defer(() => Deno.remove(folder, { recursive: true }));
  const modal = await startModalStub();
  ends.defer(modal.stop);
  const { transport } = options;
  const contenders = [
    bareEcho(transport),
    foresight(modal.url, `${folder}/kv.sqlite`, transport),
  ];
  const loads = loadsOf(options, contenders, await livesOf(options, contenders));
  const report: BenchReport = { startedAt, machine, loads };
  say(markdownOf(report));
  if (options.jsonPath) {
    await Deno.writeTextFile(options.jsonPath, `${JSON.stringify(report, null, 2)}\n`);
  }
  return 0;
}

/** Measures the contenders in turn, round after round, so that drift meets them alike. */
async function livesOf(
  { plan, rounds }: BenchOptions,
  contenders: readonly Contender[],
): Promise<Life[][]> {
  const lives: Life[][] = contenders.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [at, contender] of contenders.entries()) {
      lives[at]!.push(await measureLife(contender, plan));
    }
  }
  return lives;
}

/** Sorts what was measured by load, then by contender. */
function loadsOf(
  { plan: { sizes } }: BenchOptions,
  contenders: readonly Contender[],
  lives: readonly (readonly Life[])[],
): LoadRows[] {
  const rowsOf = (pick: (life: Life) => Round) =>
    contenders.map(({ name }, at) => ({ name, rounds: lives[at]!.map(pick) }));
  return [
    { title: "first", size: sizes[0]!, rows: rowsOf(({ cold }) => cold) },
    ...sizes.map((size, load) => ({
      title: "warm",
      size,
      rows: rowsOf(({ warm }) => warm[load]!),
    })),
  ];
}

await runCommand(bench);
