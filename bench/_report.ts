/**
 * What the rounds come to, as a table and as data.
 *
 * @module
 */
import type { LoadSize } from "./_load.ts";
import type { Round } from "./_measure.ts";
import type { Machine } from "./_proc.ts";
import { type Spread, spreadOf } from "./_statistics.ts";

/** Everything that a run found. */
export interface BenchReport {
  /** When it began, ISO 8601. */
  readonly startedAt: string;
  readonly machine: Machine;
  readonly loads: readonly LoadRows[];
}

/** One load on every server. */
export interface LoadRows {
  /** Whether the process had seen frames before: `first` or `warm`. */
  readonly title: string;
  readonly size: LoadSize;
  /** The first is the limit that the others are held against. */
  readonly rows: readonly Row[];
}

/** One server under that load. */
export interface Row {
  readonly name: string;
  readonly rounds: readonly Round[];
}

const COLUMNS = [
  "frames",
  "server",
  "frames/s",
  "CPU us/ack",
  "of the limit",
  "ack p50 ms",
  "ack p99 ms",
  "RSS MiB",
  "captions",
];

/** The report in Markdown. */
export function markdownOf({ startedAt, machine, loads }: BenchReport): string {
  const { cores, cpu, deno, loadAverage } = machine;
  const { size, rows } = loads[0]!;
  return [
    `${startedAt.slice(0, 16).replace("T", " ")} UTC, ${cores} cores of ${cpu}, Deno ${deno}, ` +
    `load average before the run ${loadAverage}.`,
    `Frames of ${size.bytes} bytes over ${size.connections} connections, ${size.window} unacked on ` +
    `each; median (least-most) of ${rows[0]!.rounds.length} rounds, servers in turn.`,
    "",
    tableRow(COLUMNS),
    tableRow(COLUMNS.map(() => "---")),
    ...loads.flatMap(rowsOf),
  ].join("\n");
}

function rowsOf({ title, size, rows }: LoadRows): string[] {
  return rows.map((row) => tableRow([`${size.frames} ${title}`, ...cellsOf(row, rows[0]!)]));
}

function cellsOf(row: Row, limit: Row): string[] {
  const over = (value: (round: Round) => number) => spreadOf(row.rounds.map(value));
  const captions = row.rounds.reduce((sum, round) => sum + round.captions, 0);
  const failures = row.rounds.reduce((sum, round) => sum + round.failures, 0);
  return [
    row.name,
    over(({ framesPerS }) => framesPerS).median.toFixed(0),
    inWords(over(({ cpuUsPerAck }) => cpuUsPerAck), 1),
    row === limit ? "1" : inWords(cpuRatioOf(row, limit), 2),
    over(({ ackMs }) => ackMs.p50).median.toFixed(2),
    over(({ ackMs }) => ackMs.p99).median.toFixed(2),
    over(({ rssMib }) => rssMib).median.toFixed(0),
    failures > 0 ? `${captions}, ${failures} failed` : String(captions),
  ];
}

/** CPU per ack as a multiple of the limit's, taken round by round, as both ran back to back. */
function cpuRatioOf(row: Row, limit: Row): Spread {
  return spreadOf(
    row.rounds.map(({ cpuUsPerAck }, at) => cpuUsPerAck / limit.rounds[at]!.cpuUsPerAck),
  );
}

function inWords({ median, min, max }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}-${max.toFixed(digits)})`;
}

function tableRow(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
