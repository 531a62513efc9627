







import { refusalOf } from "./refused.js";



const FORBIDDEN = 403;
const PROBE_TIMEOUT_MS = 10_000;
const MAX_DETAIL_CHARS = 500;





export async function explain(
  ending           ,
  address        ,
  query                                  ,
  platform                                   ,
)                     {
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
