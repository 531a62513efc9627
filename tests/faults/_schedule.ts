/**
 * One run: wearers who stream, a seeded schedule of faults, and what must hold at the end.
 *
 * @module
 */
import { checkBooks } from "./_books.ts";
import type { Figures } from "./_figures.ts";
import { Phone } from "./_phone.ts";
import { Random } from "./_random.ts";
import { Wearer, WEARER_FAULTS } from "./_wearer.ts";
import { MODAL_FAULTS, type World } from "./_world.ts";

/** After the faults all frames must have come to an end by then. */
const SETTLE_LIMIT_MS = 20_000;
const BYE_LIMIT_MS = 15_000;
const SETTLE_LOOK_MS = 200;
/** Phones are wearers too, with numbers of their own. */
const FIRST_PHONE = 100_000;

/** What a run is made of. */
export interface Plan {
  readonly seed: number;
  readonly sessions: number;
  readonly seconds: number;
  readonly fps: number;
  /** Faults of one wearer, on average, in a second. */
  readonly faultsPerSecond: number;
  /** Faults of the servers and the model in a second. */
  readonly worldFaultsPerSecond: number;
  /** How often a server is killed besides. */
  readonly kills: number;
  /** Phones as shipped that stream beside the sessions. */
  readonly phones: number;
  /** Whether each new connection goes to another server. */
  readonly hops: boolean;
}

/** What was violated, and by whom. */
export interface Found {
  readonly wearer: number;
  readonly reason: string;
  readonly log: readonly string[];
}

/** Runs the plan in the world. Empty: all that must hold has held. */
export async function runPlan(world: World, plan: Plan, figures: Figures): Promise<Found[]> {
  const random = new Random(plan.seed);
  const wearers: Wearer[] = [];
  const phones: Phone[] = [];
  for (let id = 1; id <= plan.sessions; id++) {
    wearers.push(new Wearer(id, world, figures, plan.hops));
  }
  for (let at = 0; at < plan.phones; at++) {
    const nextUrl = () => random.pick(world.urls());
    phones.push(new Phone(FIRST_PHONE + at, nextUrl, figures));
  }
  figures.add("sessions", wearers.length);
  try {
    const faults = Promise.all([
      worldFaults(world, plan, random.fork(), figures),
      kills(world, plan, random.fork(), figures),
    ]);
    await Promise.all([
      ...wearers.map((wearer) => stream(wearer, plan, random.fork())),
      ...phones.map((phone) => inTime(plan, random.fork(), () => phone.look())),
    ]);
    await faults;
    await world.calm();
    await Promise.all(wearers.map((wearer) => settle(wearer)));
    const kv = await world.books();
    for (const { ledger } of wearers) await checkBooks(kv, ledger);
  } finally {
    await Promise.all([...wearers, ...phones].map((client) => client.close()));
  }
  return [
    ...phones,
    ...wearers.map(({ id, ledger: { violation, log } }) => ({ id, violation, log })),
  ]
    .flatMap(({ id, violation, log }) =>
      violation ? [{ wearer: id, reason: violation.message, log }] : []
    );
}

/** Streams, with a fault now and then. */
function stream(wearer: Wearer, plan: Plan, random: Random): Promise<void> {
  return inTime(plan, random, () => {
    wearer.look();
    if (random.next() >= plan.faultsPerSecond / plan.fps) return;
    wearer.suffer(random.pick(WEARER_FAULTS), random);
  });
}

/** Calls `look` when each frame of the footage is due. */
async function inTime({ fps, seconds }: Plan, random: Random, look: () => void): Promise<void> {
  const frameMs = 1000 / fps;
  // Not all at once.
  await pause(random.between(0, frameMs));
  const startedAtMs = performance.now();
  for (let at = 0; at < seconds * fps; at++) {
    await pause(startedAtMs + at * frameMs - performance.now());
    look();
  }
}

/** Kills spread over the run, each at a random moment of its share. */
async function kills(world: World, plan: Plan, random: Random, figures: Figures): Promise<void> {
  const shareMs = plan.seconds * 1000 / plan.kills;
  const startedAtMs = performance.now();
  for (let at = 0; at < plan.kills; at++) {
    await pause(startedAtMs + (at + random.next()) * shareMs - performance.now());
    figures.add("fault: server killed");
    await world.faults["server killed"]!(random);
  }
}

async function worldFaults(world: World, plan: Plan, random: Random, figures: Figures) {
  if (plan.worldFaultsPerSecond === 0) return;
  const names = [...Object.keys(world.faults), ...Object.keys(MODAL_FAULTS)];
  const endsAtMs = performance.now() + plan.seconds * 1000;
  const work: (Promise<void> | void)[] = [];
  while (performance.now() < endsAtMs) {
    await pause(random.next() * 2000 / plan.worldFaultsPerSecond);
    const name = random.pick(names);
    figures.add(`fault: ${name}`);
    if (world.faults[name]) work.push(world.faults[name](random));
    else MODAL_FAULTS[name]!(world.modal, random);
  }
  await Promise.all(work);
}

/** Nothing goes wrong any more: all that was seen must be told. */
async function settle(wearer: Wearer): Promise<void> {
  const { glasses, ledger } = wearer;
  await wearer.calm();
  const upTo = wearer.footage;
  const endsAtMs = performance.now() + SETTLE_LIMIT_MS;
  while (!ledger.isComplete(upTo) && !ledger.violation && performance.now() < endsAtMs) {
    // A model that could not be reached is tried again on a frame.
    wearer.look();
    await pause(SETTLE_LOOK_MS);
  }
  const missing = ledger.missing(upTo);
  if (missing.length > 0) ledger.violate(`frames ${missing} came to no end`);
  if (!await wearer.leave(BYE_LIMIT_MS)) return;
  const rest = ledger.missing(wearer.footage);
  if (rest.length > 0) ledger.violate(`frames ${rest} came to no end before the answer to bye`);
  const { accounted, skipped, dropped, given } = glasses.counts;
  const told = accounted + skipped + dropped;
  if (told !== given) ledger.violate(`${given} frames were given, and ${told} came to an end`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, Math.max(0, ms)));
}
