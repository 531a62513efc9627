/**
 * What is known of one wearer: tokens, how long records stay, all of it, its end (SPEC A9 to A13).
 *
 * @module
 */
import { linesOf } from "./_lines.ts";
import { at, type Requests } from "./_requests.ts";
import { pause } from "./platform.ts";
import { Incomplete, Refused } from "./refused.ts";
import type {
  ErasureUnderWay,
  ExportLine,
  Life,
  Receipt,
  Retention,
  Scope,
  Token,
} from "./records.ts";

const RETRY_MS = 2_000;

/** What became of an erasure. */
export type Erased =
  | { readonly kind: "erased"; readonly receipt: Receipt }
  /** It is finished, whoever dies; but this client is not told: its own token is erased as well. */
  | { readonly kind: "under_way"; readonly started: ErasureUnderWay };

/** Requests about one wearer, for the operator or the wearer's own `admin` token. */
export function wearerApi(requests: Requests, wearer: string) {
  const path = (...rest: string[]) => at("wearers", wearer, ...rest);
  return {
    issueToken: (wish: { scopes: readonly Scope[]; label?: string } & Life) =>
      requests.json<Token & { token: string }>("POST", path("tokens"), { body: wish }),
    tokens: async () =>
      (await requests.json<{ tokens: readonly Token[] }>("GET", path("tokens"))).tokens,
    revokeToken: (id: string) => requests.done("DELETE", path("tokens", id)),
    retention: () => requests.json<Retention>("GET", path("retention")),
    /** @param days 0: for good; null: as configured */
    setRetention: (days: number | null) =>
      requests.json<Retention>("PUT", path("retention"), { body: { days } }),
    export: (signal?: AbortSignal) => exportLines(requests, path("export"), signal),
    erase: () => erase(requests, path()),
  };
}

/** A line for each record; the last is `end`. Rejects with {@link Incomplete} where it is missing. */
async function* exportLines(
  requests: Requests,
  path: string,
  signal?: AbortSignal,
): AsyncGenerator<ExportLine, void, void> {
  const response = await requests.send("GET", path, signal ? { signal } : {});
  for await (const line of linesOf(response.body!)) {
    if (line === "") continue;
    const record = JSON.parse(line) as ExportLine;
    yield record;
    if (record.record === "end") return;
  }
  throw new Incomplete("The export broke off: something is missing");
}

/** Asks until it is over; the server answers after a minute at most, and wants to be asked again. */
async function erase(requests: Requests, path: string): Promise<Erased> {
  let response = await requests.send("DELETE", path);
  for (;;) {
    if (response.status === 200) return { kind: "erased", receipt: await response.json() };
    const started: ErasureUnderWay = await response.json();
    const seconds = Number(response.headers.get("retry-after") ?? NaN);
    await pause(requests.platform.clock, seconds * 1000 || RETRY_MS);
    try {
      response = await requests.send("GET", `${path}/erasure`);
    } catch (error) {
      if (error instanceof Refused && !error.isPassing) return { kind: "under_way", started };
      throw error;
    }
  }
}
