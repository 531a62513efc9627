/**
 * What Linux knows about a process and about the machine (proc(5)).
 *
 * Read by `cat`: Deno itself opens `/proc` only to programs with every permission.
 *
 * @module
 */

/** Clock ticks in a second, `sysconf(_SC_CLK_TCK)`: 100 on every Linux that Deno runs on. */
const TICKS_PER_SECOND = 100;
const US_PER_TICK = 1e6 / TICKS_PER_SECOND;
/** Fields 14 and 15 of `/proc/PID/stat`, counted from the third, which follows the name. */
const UTIME_AT = 11;
const STIME_AT = 12;
const KIB_PER_MIB = 1024;

/** What a process has used. */
export interface ProcessUsage {
  /** Processor time since it began, user and system, all threads; exact to a tick of 10 ms. */
  readonly cpuUs: number;
  /** Memory that it holds now. */
  readonly rssMib: number;
}

/** The machine that a measurement is of. */
export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly deno: string;
  /** Processes that wanted to run in the last minute, on average: what else went on. */
  readonly loadAverage: number;
}

/**
 * Reads the usage of a process of Deno.
 *
 * @throws {Error} if it is another program: an npm shim in Deno's place would be measured instead
 */
export async function usageOf(pid: number): Promise<ProcessUsage> {
  const text = await read(`/proc/${pid}/stat`, `/proc/${pid}/status`);
  const [, command, rest] = /^\d+ \((.*?)\) (.*)/.exec(text) ?? [];
  if (command !== "deno" || !rest) {
    throw new Error(
      `Cannot measure process ${pid} as it must be deno: current value is ${command}`,
    );
  }
  const fields = rest.split(" ");
  const ticks = Number(fields[UTIME_AT]) + Number(fields[STIME_AT]);
  const rssKib = Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1]);
  return { cpuUs: ticks * US_PER_TICK, rssMib: rssKib / KIB_PER_MIB };
}

/** Describes this machine as it is now. */
export async function describeMachine(): Promise<Machine> {
  const loadAverage = parseFloat(await read("/proc/loadavg"));
  const cpu = /^model name\s*: (.*)$/m.exec(await read("/proc/cpuinfo"))?.[1] ?? "unknown CPU";
  return { cores: navigator.hardwareConcurrency, cpu, deno: Deno.version.deno, loadAverage };
}

async function read(...paths: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("cat", { args: paths }).output();
  if (!success) throw new Error(`Cannot read ${paths}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}
