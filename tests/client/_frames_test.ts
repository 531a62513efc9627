import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { FrameBook, type Loss } from "../../client/_frames.ts";
import type { Ack } from "../../client/messages.ts";

const BOUNDS = { maxWaiting: 3, maxKept: 4, maxKeptBytes: 1_000 } as const;
const STATUSES = ["queued", "queued", "skipped", "dropped"] as const;

/** A server that takes frames, tells their fate, and describes them when it likes. */
class Model {
  readonly losses: Loss[] = [];
  readonly book: FrameBook;
  /** Frames on this connection that are not acknowledged, by their numbers. */
  unacked: number[] = [];
  received = 0;
  accounted = 0;
  /** The newest that was sent over this connection, as it was given. */
  #newest = 0;

  constructor(lostFrames: "again" | "count") {
    this.book = new FrameBook({ ...BOUNDS, lostFrames }, (loss) => this.losses.push(loss));
  }

  send(): void {
    const next = this.book.next();
    if (!next) return;
    assert(next.given > this.#newest, `${next.given} goes out after ${this.#newest}`);
    this.#newest = next.given;
    const number = this.book.take(0);
    assertEquals(number, this.received + this.unacked.length + 1, "numbers have no hole");
    this.unacked.push(number);
  }

  ack(status: Ack["status"]): void {
    const number = this.unacked.shift();
    if (number === undefined) return;
    this.received = number;
    this.book.ack({ type: "ack", frame: number, bytes: 1, status });
  }

  describe(share: number): void {
    this.accounted += Math.floor((this.received - this.accounted) * share);
    this.book.account(this.accounted);
  }

  /** The connection is lost, and what was not described with it. */
  comeBack(isNew: boolean): void {
    if (isNew) this.accounted = 0;
    this.book.greet(this.accounted, isNew);
    this.received = this.accounted;
    this.unacked = [];
    this.#newest = 0;
  }
}

type Step = (model: Model) => void;
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.integer({ min: 1, max: 400 }).map((size): Step => (model) => {
    model.book.give(new Uint8Array(size), 0);
    model.book.trim();
  }),
  fc.constant<Step>((model) => model.send()),
  fc.constantFrom(...STATUSES).map((status): Step => (model) => model.ack(status)),
  fc.constantFrom(0.5, 1).map((share): Step => (model) => model.describe(share)),
  fc.constantFrom(false, false, true).map((isNew): Step => (model) => model.comeBack(isNew)),
);

Deno.test("frames come to exactly one end each, and no more is kept than may be [S2, S4]", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 120, size: "max" }),
      fc.constantFrom("again" as const, "count" as const),
      (steps, lostFrames) => {
        const model = new Model(lostFrames);
        const { book } = model;
        for (const run of steps) {
          run(model);
          const { sent: _, given, ...ends } = book.counts;
          assertEquals(Object.values(ends).reduce((sum, count) => sum + count), given);
          assert(book.unacked === model.unacked.length, `${book.unacked} are not acknowledged`);
        }
        assertEquals(new Set(model.losses.map(({ given }) => given)).size, model.losses.length);
        // Without further loss all that is left is described.
        model.comeBack(false);
        while (book.next()) model.send();
        while (model.unacked.length > 0) model.ack("queued");
        model.describe(1);
        const { waiting, unaccounted } = book.counts;
        assertEquals([waiting, unaccounted], [0, 0]);
      },
    ),
    { seed: 5, numRuns: 400 },
  );
});

Deno.test("frames go out again in the order in which they were given, before those that are new [S4]", () => {
  const model = new Model("again");
  for (let at = 0; at < 3; at++) {
    model.book.give(new Uint8Array(1), 0);
    model.send();
    model.ack("queued");
  }
  model.book.give(new Uint8Array(1), 0);
  model.accounted = 1;
  model.comeBack(false);
  const order: number[] = [];
  for (let next = model.book.next(); next; next = model.book.next()) {
    order.push(next.given);
    model.send();
  }
  assertEquals(order, [2, 3, 4]);
  assertEquals(model.book.counts.unaccounted, 4, "the first stays until its result is heard");
});

Deno.test("frames beyond the memory for them cannot be sent again, and are told lost if they were", () => {
  const model = new Model("again");
  for (let at = 0; at < 4; at++) {
    model.book.give(new Uint8Array(400), 0);
    model.send();
  }
  assertEquals(model.losses, [], "they may well be described");
  model.comeBack(false);
  assertEquals(model.losses.map(({ given, kind }) => [given, kind]), [[1, "lost"], [2, "lost"]]);
});
