/**
 * Reads standing orders, of many wearers at once.
 *
 * @module
 */
import { type Clock, withDeadline } from "../clock.ts";
import { reasonOf } from "../log.ts";
import { until } from "./_until.ts";
import { hasExpired, type Stored } from "./keys.ts";
import { cameraKey, type CameraRecord, type Order } from "./order_keys.ts";

/** As many as Deno KV gets at once. */
const BATCH_KEYS = 10;
/** Nobody waits longer for KV. */
const TIMEOUT_MS = 2_000;

/** A record that is an order while it lies there. */
interface Source {
  readonly key: (wearer: string) => Deno.KvKey;
  readonly orderOf: (record: Stored) => Order;
}

/** All of them. Each costs every process one key a second for each wearer that streams there. */
const SOURCES: readonly Source[] = [
  {
    key: cameraKey,
    orderOf(record) {
      const { sinceMs, expiresAtMs } = record as CameraRecord;
      return { kind: "camera_paused", sinceMs, untilMs: expiresAtMs };
    },
  },
];

/** What KV said. */
export interface OrdersRead {
  /** By wearer; those that could not be read are missing. */
  readonly byWearer: ReadonlyMap<string, readonly Order[]>;
  /** Why some are missing; null: none is. */
  readonly failure: string | null;
}

/** Reads the orders of these wearers. Resolves always, in bounded time. */
export async function readOrders(
  { kv, clock }: { readonly kv: Deno.Kv; readonly clock: Clock },
  wearers: readonly string[],
): Promise<OrdersRead> {
  const byWearer = new Map<string, readonly Order[]>();
  let failure: string | null = null;
  await Promise.all(
    batchesOf(wearers).map(async (batch) => {
      try {
        const keys = batch.flatMap((wearer) => SOURCES.map(({ key }) => key(wearer)));
        const entries = await withDeadline(
          clock,
          TIMEOUT_MS,
          null,
          (within) => until(within, kv.getMany<(Stored | null)[]>(keys)),
        );
        batch.forEach((wearer, at) => {
          const values = entries.slice(at * SOURCES.length).map(({ value }) => value);
          byWearer.set(wearer, ordersOf(values, clock.epochMs()));
        });
      } catch (error) {
        failure = reasonOf(error);
      }
    }),
  );
  return { byWearer, failure };
}

/** Keys of one wearer are read together. */
function batchesOf(wearers: readonly string[]): string[][] {
  const size = Math.floor(BATCH_KEYS / SOURCES.length);
  const count = Math.ceil(wearers.length / size);
  return Array.from({ length: count }, (_, at) => wearers.slice(at * size, (at + 1) * size));
}

/** @param values begin with one for each of {@link SOURCES} */
function ordersOf(values: readonly (Stored | null)[], nowMs: number): Order[] {
  return SOURCES.flatMap(({ orderOf }, at) => {
    const value = values[at];
    return value && !hasExpired(value, nowMs) ? [orderOf(value)] : [];
  });
}
