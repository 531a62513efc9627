/**
 * The short-lived token that every call to Modal carries beside the identity (MODAL facts, 1).
 *
 * @module
 */
import type { Clock } from "../clock.ts";

/** Asked for anew so long before it ends, so that no call is made with a dying token. */
const REFRESH_BEFORE_MS = 5 * 60_000;
/** A renewal that failed is tried again after so long, while the old token is still good. */
const RETRY_AFTER_MS = 30_000;
/** For a token that does not say when it ends. */
const DEFAULT_LIFETIME_MS = 20 * 60_000;

/**
 * Keeps the token, and shares one request for it among all who wait.
 *
 * @param fetchToken asks Modal for a JWT
 */
export function createAuthToken(
  fetchToken: () => Promise<string>,
  clock: Clock,
): () => Promise<string> {
  let token: string | null = null;
  let refreshAtMs = 0;
  let expiresAtMs = 0;
  let pending: Promise<string> | null = null;

  async function refresh(): Promise<string> {
    const fresh = await fetchToken();
    const nowMs = clock.epochMs();
    expiresAtMs = expiryMsOf(fresh) ?? nowMs + DEFAULT_LIFETIME_MS;
    // A token that lives shorter than the margin is still good for half its life.
    refreshAtMs = Math.max(expiresAtMs - REFRESH_BEFORE_MS, (nowMs + expiresAtMs) / 2);
    return token = fresh;
  }

  /** A renewal that fails early is no trouble yet. */
  async function renew(): Promise<string> {
    try {
      return await refresh();
    } catch (error) {
      const nowMs = clock.epochMs();
      if (!token || nowMs >= expiresAtMs) throw error;
      refreshAtMs = Math.min(nowMs + RETRY_AFTER_MS, expiresAtMs);
      return token;
    }
  }

  return () => {
    if (token && clock.epochMs() < refreshAtMs) return Promise.resolve(token);
    pending ??= renew().finally(() => pending = null);
    return pending;
  };
}

/** The `exp` of a JWT in milliseconds, or null. The signature is Modal's business. */
function expiryMsOf(jwt: string): number | null {
  try {
    const payload = jwt.split(".")[1] ?? "";
    const json = atob(payload.replaceAll("-", "+").replaceAll("_", "/"));
    const { exp } = JSON.parse(json);
    return typeof exp === "number" ? exp * 1000 : null;
  } catch {
    return null;
  }
}
