/**
 * A process of its own with an outbox on a database file. Started by `crashes_test.ts`.
 *
 * It adds a message if it is told one, sends what is due, and says `done` and how much. Where it is told to stop
 * it says `at STEP` and goes no further: whoever started it kills it there. Only here are there steps
 * to stop at; the outbox knows nothing of them.
 *
 * @module
 */
import { type Clock, systemClock } from "../../clock.ts";
import { createCounters } from "../../counters.ts";
import { createRateLimiter } from "../../kv/rate_limits.ts";
import { silentLogger } from "../../log.ts";
import { type Channel, withKey } from "../../messaging/channel.ts";
import { createChannels } from "../../messaging/channels.ts";
import { type NewMessage, Outbox } from "../../messaging/outbox.ts";
import { createPokeChannel } from "../../messaging/poke.ts";
import { createWebhookChannel } from "../../messaging/webhook.ts";
import { everyonesKey } from "./_outbox.ts";

/** What the process is told. */
export interface Orders {
  readonly path: string;
  readonly pokeUrl: string;
  readonly perDay: number;
  /** Null: it only sends what is there. */
  readonly message: NewMessage | null;
  /** Before which step it stops, counted from 1; 0: before none. */
  readonly stopAt: number;
  /** Whether it says `ready` first and waits for a line, so that several begin together. */
  readonly startsOnInput: boolean;
}

/** Called before everything that others can see. */
export type Step = (name: string) => Promise<void>;

/** An outbox over real channels, each of whose steps is announced. */
export function openOutbox(
  kv: Deno.Kv,
  { pokeUrl, perDay }: Pick<Orders, "pokeUrl" | "perDay">,
  clock: Clock,
  step: Step,
): Outbox {
  const poke = createPokeChannel({ fetch, urlOverride: pokeUrl });
  const webhook = createWebhookChannel({ signingKeys: ["k".repeat(32)], allowsLoopback: true });
  const stepped = stepping(kv, step);
  return new Outbox({
    kv: stepped,
    clock,
    channels: createChannels({
      poke: steppingChannel(withKey(poke, everyonesKey("sk-test")), step),
      webhook: steppingChannel(webhook, step),
    }),
    rateLimiter: createRateLimiter({ kv: stepped, clock }),
    perDay,
    retentionDays: 30,
    wanted: async () => {
      await step("ask");
      return { kind: "yes" };
    },
    newId: () => crypto.randomUUID(),
    random: Math.random,
    counters: createCounters(),
    log: silentLogger,
  });
}

/** Writes a cause and its message in one commit, if they are not there. */
export async function addMessage(
  kv: Deno.Kv,
  outbox: Outbox,
  message: NewMessage,
  step: Step,
): Promise<void> {
  const cause = ["cause", message.name];
  if ((await kv.get(cause)).value !== null) return;
  const commit = kv.atomic().set(cause, true);
  await outbox.enqueue(commit, message);
  await step("commit");
  await commit.commit();
}

function steppingChannel(channel: Channel, step: Step): Channel {
  return {
    isIdempotent: channel.isIdempotent,
    async deliver(message) {
      await step("deliver");
      return await channel.deliver(message);
    },
  };
}

/** A database that says what it is about to do. */
function stepping(real: Deno.Kv, step: Step): Deno.Kv {
  const get = async (...args: Parameters<Deno.Kv["get"]>) => {
    await step("get");
    return await real.get(...args);
  };
  async function* list(...args: Parameters<Deno.Kv["list"]>) {
    await step("list");
    yield* real.list(...args);
  }
  const atomic = () => {
    const operation = real.atomic();
    const commit = operation.commit.bind(operation);
    operation.commit = async () => {
      await step("commit");
      return await commit();
    };
    return operation;
  };
  const replaced: Record<string | symbol, unknown> = { get, list, atomic };
  return new Proxy(real, { get: (_, name) => replaced[name] });
}

async function say(line: string): Promise<void> {
  await new Blob([`${line}\n`]).stream().pipeTo(Deno.stdout.writable, { preventClose: true });
}

if (import.meta.main) {
  const orders: Orders = JSON.parse(Deno.args[0]!);
  const { path, message, stopAt, startsOnInput } = orders;
  let steps = 0;
  let delivered = 0;
  const step = async (name: string) => {
    if (name === "deliver") delivered++;
    if (++steps !== stopAt) return;
    await say(`at ${name}`);
    await new Promise(() => {});
  };
  const kv = await Deno.openKv(path);
  const outbox = openOutbox(kv, orders, systemClock, step);
  if (startsOnInput) {
    await say("ready");
    await Deno.stdin.read(new Uint8Array(16));
  }
  // A promise that never settles does not keep a process.
  const awake = setInterval(() => {}, 1_000);
  if (message) {
    await addMessage(kv, outbox, message, step);
    outbox.wake(message.wearer);
    await outbox.quiet();
  } else await outbox.sweep();
  await outbox.close();
  clearInterval(awake);
  await say(`done ${delivered}`);
  kv.close();
}
