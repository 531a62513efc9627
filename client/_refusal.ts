/**
 * Why a stream was not let in. Browsers hide the answer to an upgrade, so the same address is asked
 * again without one: who may come in is told 426, who may not 403.
 *
 * @module
 */
import type { Ending } from "./_line.ts";
import type { Platform } from "./platform.ts";
import { refusalOf } from "./refused.ts";

type Unreached = Extract<Ending, { kind: "unreached" }>;

const FORBIDDEN = 403;
const PROBE_TIMEOUT_MS = 10_000;
const MAX_DETAIL_CHARS = 500;

/**
 * Adds what the server says to an ending of which little is known. Where that cannot be had the
 * status is null: it may have been the network.
 */
export async function explain(
  ending: Unreached,
  address: string,
  query: Readonly<Record<string, string>>,
  platform: Pick<Platform, "fetch" | "clock">,
): Promise<Unreached> {
  if (ending.status !== null && ending.status !== FORBIDDEN) return ending;
  // The session's secret has no business there.
  const url = new URL(address.replace(/^ws/, "http"));
  url.search = String(new URLSearchParams(query));
  const controller = new AbortController();
  const cancel = platform.clock.after(PROBE_TIMEOUT_MS, () => controller.abort());
  try {
    const answer = await platform.fetch(url.href, { signal: controller.signal });
    const { status, detail } = await refusalOf(answer);
    return status === FORBIDDEN
      ? { kind: "unreached", status, reason: detail.slice(0, MAX_DETAIL_CHARS) }
      : { ...ending, status: null };
  } catch {
    return { ...ending, status: null };
  } finally {
    cancel();
  }
}
