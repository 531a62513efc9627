/**
 * What HTTP requests reject with: lists that are iterated have no place for an outcome beside their
 * items.
 *
 * @module
 */

/** The server was reached, and said no. What never arrived rejects with `fetch`'s own error. */
export class Refused extends Error {
  override readonly name = "Refused";
  /** 0: there was no token to bring. */
  readonly status: number;
  /** What the server says: it names the field, what it must be and what it is. */
  readonly detail: string;
  /** When to come again; null: the server does not say. */
  readonly retryAfterMs: number | null;
  /** The whole body, where it is JSON. */
  readonly body: unknown;

  constructor(status: number, detail: string, retryAfterMs: number | null = null, body?: unknown) {
    super(`The server answered ${status}: ${detail}`);
    this.status = status;
    this.detail = detail;
    this.retryAfterMs = retryAfterMs;
    this.body = body;
  }

  /** Whether the same request may succeed later. */
  get isPassing(): boolean {
    return this.status >= 500 && this.status !== 501 || this.status === 429 || this.status === 408;
  }
}

/** Something broke off in the middle. */
export class Incomplete extends Error {
  override readonly name = "Incomplete";
}

/** Reads an answer that is no success. */
export async function refusalOf(response: Response): Promise<Refused> {
  const text = await response.text();
  const body = parse(text);
  const seconds = Number(response.headers.get("retry-after") ?? NaN);
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : null;
  return new Refused(response.status, detailIn(body) ?? text, retryAfterMs, body);
}

/** The `detail` of an error, on one line; null: there is none. */
export function detailIn(body: unknown): string | null {
  const detail = (body as { detail?: unknown } | null | undefined)?.detail;
  if (typeof detail === "string") return detail;
  if (!Array.isArray(detail)) return null;
  return detail.map((issue) => String((issue as { msg?: unknown }).msg)).join("; ");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
