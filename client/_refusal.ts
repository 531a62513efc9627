/**
 * Why a stream was not let in. Browsers hide the answer to an upgrade, so the same address is asked
 * again without one: who may come in is told 426, who may not 403.
 *
 * @module
 */
import type { Ending } from "./_line.ts";
import type { Platform } from "./platform.ts";

type Unreached = Extract<Ending, { kind: "unreached" }>;

const FORBIDDEN = 403;
const PROBE_TIMEOUT_MS = 10_000;
const MAX_DETAIL_CHARS = 500;

/** Adds what the server says to an ending of which little is known. */
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
    const text = (await answer.text()).slice(0, MAX_DETAIL_CHARS);
    if (answer.status !== FORBIDDEN) return ending;
    return { kind: "unreached", status: FORBIDDEN, reason: detailOf(text) };
  } catch {
    return ending;
  } finally {
    cancel();
  }
}

function detailOf(text: string): string {
  try {
    return String(JSON.parse(text).detail ?? text);
  } catch {
    return text;
  }
}
