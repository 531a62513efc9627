/**
 * Standing orders on a KV whose reads the test sees, counts and breaks.
 *
 * @module
 */
import { createCounters } from "../../counters.ts";
import type { CameraOrder } from "../../kv/camera_keys.ts";
import { createLogger } from "../../log.ts";
import { createCameras } from "../../wearers/camera.ts";
import { StandingOrders } from "../../wearers/orders.ts";
import type { FakeClock } from "../_fake_clock.ts";

/** A KV whose `getMany` the test holds in its hands. */
export interface WatchedKv {
  readonly kv: Deno.Kv;
  /** Keys of each reading so far. */
  readonly asked: Deno.KvKey[][];
  /** What happens to readings from now on; `held` ones wait for {@link WatchedKv.letGo}. */
  mode: "answers" | "fails" | "held";
  letGo(): void;
  /** Until KV has answered all that it was asked, and what it said is heard. */
  settled(): Promise<void>;
}

/** Watches the reading of orders from `real`. */
export function watchReads(real: Deno.Kv): WatchedKv {
  const asked: Deno.KvKey[][] = [];
  const waiting: (() => void)[] = [];
  let inFlight = 0;
  const getMany = async (keys: Deno.KvKey[]) => {
    asked.push(keys);
    if (watched.mode === "fails") throw new Error("KV cannot be read (test)");
    inFlight++;
    const entries = await real.getMany(keys).finally(() => inFlight--);
    if (watched.mode === "held") await new Promise<void>((done) => waiting.push(done));
    return entries;
  };
  const kv = new Proxy(real, {
    get(target, name) {
      if (name === "getMany") return getMany;
      const member = Reflect.get(target, name);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  const letGo = () => waiting.splice(0).forEach((done) => done());
  const settled = async () => {
    for (let quiet = 0; quiet < 3; quiet = inFlight > 0 ? 0 : quiet + 1) {
      await new Promise((resolve) => setTimeout(resolve));
    }
  };
  const watched: WatchedKv = { kv, asked, mode: "answers", letGo, settled };
  return watched;
}

/** One process, as far as orders are concerned. */
export function createProcess(kv: Deno.Kv, clock: FakeClock) {
  const counters = createCounters();
  const logged: string[] = [];
  const log = createLogger("debug", (line) => void logged.push(JSON.parse(line).event));
  const orders = new StandingOrders({ kv, clock, counters, log });
  const cameras = createCameras({ kv, clock, orders });
  /** A stream of the wearer, and what it was told, in short. */
  const stream = async (wearer: string) => {
    const told: string[] = [];
    const asked = await orders.ask(wearer);
    const leave = orders.followCamera(asked, (order) => void told.push(shortOf(order)));
    return { told, leave };
  };
  return { orders, cameras, counters, logged, stream };
}

function shortOf(order: CameraOrder): string {
  return order.kind === "paused" ? `paused until ${order.untilMs}` : order.kind;
}
