/**
 * A process of its own that asks for passes, one after another. Started by `rate_limits_test.ts`.
 *
 * It says `ready` when the database is open, begins when its standard input ends, and then
 * prints {@link Taken}.
 *
 * @module
 */
import { type Clock, systemClock } from "../../clock.ts";
import { createRateLimiter } from "../../kv/rate_limits.ts";

/** What the process is told. */
export interface TakeMany {
  readonly path: string;
  readonly identity: string;
  readonly limit: number;
  readonly windowMs: number;
  /** Asks until this many passes were given, or this many refused. */
  readonly passes: number;
  readonly refusals: number;
}

/** What the process tells. */
export interface Taken {
  /** When each pass was given, by the clock that the limiter read. */
  readonly allowedAtMs: number[];
  readonly refusedCount: number;
}

/** Asks for passes through a limiter of its own. */
export async function takeMany(kv: Deno.Kv, order: Omit<TakeMany, "path">): Promise<Taken> {
  const { identity, limit, windowMs, passes, refusals } = order;
  let readAtMs = 0;
  const clock: Clock = { ...systemClock, epochMs: () => readAtMs = Date.now() };
  const limiter = createRateLimiter({ kv, clock });
  const allowedAtMs: number[] = [];
  let refusedCount = 0;
  while (allowedAtMs.length < passes && refusedCount < refusals) {
    const outcome = await limiter.take({
      wearer: "w",
      scope: "poke",
      identity,
      limit,
      windowMs,
    });
    if (outcome.kind === "allowed") allowedAtMs.push(readAtMs);
    else refusedCount++;
  }
  return { allowedAtMs, refusedCount };
}

async function say(line: string): Promise<void> {
  const rest = new Blob([`${line}\n`]).stream();
  await rest.pipeTo(Deno.stdout.writable, { preventClose: true });
}

if (import.meta.main) {
  const order: TakeMany = JSON.parse(Deno.args[0]!);
  const kv = await Deno.openKv(order.path);
  await say("ready");
  await Deno.stdin.read(new Uint8Array(16));
  await say(JSON.stringify(await takeMany(kv, order)));
  kv.close();
}
