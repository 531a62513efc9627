import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Clock } from "../../clock.ts";
import { messageDuePrefix, type MessageState, outboxPrefix } from "../../kv/outbox_keys.ts";
import type { Channel, DeliveryOutcome } from "../../messaging/channel.ts";
import type { Wanted } from "../../messaging/outbox.ts";
import { withKv } from "../kv/_temp_kv.ts";
import { createBench, DELIVERED, keysIn, LOST, REFUSED, UNFIT } from "./_outbox.ts";

const MAX_ATTEMPTS = 20;
const HOUR_MS = 60 * 60 * 1000;
const ENDS: readonly MessageState["kind"][] = ["delivered", "dead", "uncertain", "dropped"];

/** What happens next to a message. */
type Event =
  | { readonly kind: "told"; readonly outcome: DeliveryOutcome }
  /** The process dies with the message in hand: before it asks, or having sent it. */
  | { readonly kind: "died"; readonly hasLeft: boolean }
  | { readonly kind: "asked"; readonly wanted: Wanted }
  | { readonly kind: "resent"; readonly evenIfArrived: boolean };

const anyEvent: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom<DeliveryOutcome>(
      DELIVERED,
      REFUSED,
      REFUSED,
      REFUSED,
      { ...REFUSED, retryAfterMs: 2 * HOUR_MS },
      UNFIT,
      LOST,
    ).map((outcome) => ({ kind: "told", outcome }) as const),
  },
  {
    weight: 2,
    arbitrary: fc.boolean().map((hasLeft) => ({ kind: "died", hasLeft }) as const),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Wanted>(
      { kind: "no", reason: "paused" },
      { kind: "later", untilMs: HOUR_MS },
    ).map((wanted) => ({ kind: "asked", wanted }) as const),
  },
  {
    weight: 1,
    arbitrary: fc.boolean().map((evenIfArrived) => ({ kind: "resent", evenIfArrived }) as const),
  },
);

/** What really happened to one message, seen from outside of the outbox. */
class World {
  readonly events: Event[];
  /** Attempts since the message came to be, or was asked for again. */
  attempts = 0;
  /** How often it arrived, or may have. */
  arrivals = 0;
  isArrivedForCertain = false;
  /** How often a person asked for what may have arrived. */
  allowedRepeats = 0;
  /** Whether the process that has the message in hand is dead: nothing more comes of it. */
  hasDied = false;

  constructor(events: readonly Event[]) {
    this.events = [...events];
  }

  readonly channel = (isIdempotent: boolean): Channel => ({
    isIdempotent,
    deliver: () => {
      this.attempts++;
      const event = this.#take("told", "died");
      if (event?.kind === "died") {
        this.arrivals++;
        this.hasDied = true;
        // Nobody is there any more who could write down what becomes of it.
        return new Promise(() => {});
      }
      const outcome = event?.kind === "told" ? event.outcome : DELIVERED;
      if (outcome.kind !== "failed") this.arrivals++;
      if (outcome.kind === "delivered") this.isArrivedForCertain = true;
      return Promise.resolve(outcome);
    },
  });

  readonly wanted = (): Promise<Wanted> => {
    const [next] = this.events;
    if (next?.kind === "died" && !next.hasLeft) {
      this.events.shift();
      this.hasDied = true;
      return new Promise(() => {});
    }
    const event = this.#take("asked");
    return Promise.resolve(event?.kind === "asked" ? event.wanted : { kind: "yes" });
  };

  /** The next event, if it is of that kind. */
  #take(...kinds: Event["kind"][]): Event | null {
    const [next] = this.events;
    return next && kinds.includes(next.kind) ? this.events.shift()! : null;
  }
}

Deno.test("a message ends in one way, after 20 attempts at most, and is repeated only where it may be [O3, O4]", async () => {
  const endings = new Map<string, number>();
  const story = fc.record({
    events: fc.array(anyEvent, { maxLength: 30 }),
    isIdempotent: fc.boolean(),
    isAtLeastOnce: fc.boolean(),
    random: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  });
  await fc.assert(
    fc.asyncProperty(story, (given) =>
      withKv(async (kv) => {
        const ending = await live(kv, given);
        endings.set(ending, (endings.get(ending) ?? 0) + 1);
      })),
    { numRuns: 150, examples: EXAMPLES.map((example) => [example]) },
  );
  assertEquals([...endings.keys()].sort(), [...ENDS].sort(), "each was seen");
});

const told = (outcome: DeliveryOutcome): Event => ({ kind: "told", outcome });
const common = { isIdempotent: false, isAtLeastOnce: false, random: 0.5 };
/** Chance alone may miss them. */
const EXAMPLES = [
  { ...common, events: [] },
  { ...common, events: Array.from({ length: 30 }, () => told(REFUSED)) },
  { ...common, isIdempotent: true, events: Array.from({ length: 30 }, () => told(LOST)) },
  { ...common, events: [told(LOST)] },
  { ...common, isIdempotent: true, events: [told(LOST), told(UNFIT)] },
  { ...common, events: [{ kind: "died", hasLeft: true } as const] },
  { ...common, isAtLeastOnce: true, events: [{ kind: "died", hasLeft: true } as const] },
  { ...common, events: [{ kind: "asked", wanted: { kind: "no", reason: "x" } } as const] },
  { ...common, events: [told(UNFIT), { kind: "resent", evenIfArrived: false } as const] },
];

interface Given {
  readonly events: readonly Event[];
  readonly isIdempotent: boolean;
  readonly isAtLeastOnce: boolean;
  readonly random: number;
}

/** Lives one message's life to its end, and answers what that was. */
async function live(
  kv: Deno.Kv,
  { events, isIdempotent, isAtLeastOnce, random }: Given,
): Promise<string> {
  const world = new World(events);
  const options = {
    channels: { way: world.channel(isIdempotent) },
    wanted: world.wanted,
    random: () => random,
  };
  const { add, get, clock, outbox } = createBench(kv, options);
  const id = await add({ channel: "way", isAtLeastOnce });
  await outbox.close();
  let seenEnd: MessageState | null = null;
  for (let looks = 0; looks < 200; looks++) {
    // Each look is another process, as the one before may have died.
    const alive = { is: true };
    const process = createBench(kv, { ...options, clock: clockOf(clock, alive) });
    await overOrDead(world, process.outbox.sweep());
    const message = await get(id);
    assert(message.attempts <= MAX_ATTEMPTS, "attempts");
    assert(message.attempts <= world.attempts);
    if (!ENDS.includes(message.state.kind)) {
      assertEquals(seenEnd, null, "what is over stays over, unless a person asks");
      alive.is = false;
      clock.tick(HOUR_MS);
      continue;
    }
    assertEquals(seenEnd ?? message.state, message.state);
    check(world, message.state, message.mayHaveArrived, { isIdempotent, isAtLeastOnce });
    assertEquals(await keysIn(kv, messageDuePrefix("ann")), []);
    seenEnd = message.state;
    const next = world.events.shift();
    if (!next) break;
    if (next.kind !== "resent") continue;
    const { kind } = message.state;
    const outcome = await process.outbox.resend("ann", id, next.evenIfArrived);
    const mayBe = kind === "dead" || kind === "uncertain" && next.evenIfArrived;
    assertEquals(outcome.kind === "queued", mayBe, `${kind} ${outcome.kind}`);
    if (!mayBe) continue;
    if (kind === "uncertain") world.allowedRepeats++;
    world.attempts = 0;
    seenEnd = null;
    await overOrDead(world, process.outbox.quiet());
    alive.is = false;
  }
  assert(seenEnd, "it ends");
  // Forgotten by who looks next.
  await createBench(kv, { clock }).outbox.sweep();
  assertEquals(await keysIn(kv, outboxPrefix()), []);
  return seenEnd.kind;
}

/** Time as a process knows it: nothing falls due for one that is dead. */
function clockOf(clock: Clock, alive: { readonly is: boolean }): Clock {
  return { ...clock, after: (ms, run) => clock.after(ms, () => void (alive.is && run())) };
}

function check(
  { arrivals, isArrivedForCertain, allowedRepeats }: World,
  { kind }: MessageState,
  mayHaveArrived: boolean,
  { isIdempotent, isAtLeastOnce }: Pick<Given, "isIdempotent" | "isAtLeastOnce">,
): void {
  assertEquals(kind === "delivered", isArrivedForCertain);
  if (kind === "dead") assertEquals([arrivals, mayHaveArrived], [0, false]);
  if (kind === "uncertain") assert(mayHaveArrived);
  if (!isIdempotent && !isAtLeastOnce) assert(arrivals <= 1 + allowedRepeats, "repeated");
}

/** Waits until the work is over, or its process has died over it. */
async function overOrDead(world: World, work: Promise<void>): Promise<void> {
  let isOver = false;
  world.hasDied = false;
  work.then(() => isOver = true);
  while (!isOver && !world.hasDied) await new Promise((resolve) => setTimeout(resolve));
}
