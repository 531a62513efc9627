/**
 * The demo's rule: asks for it as a client does, and says what became of it.
 *
 * @module
 */
import { say } from "./terminal.ts";

/** Where the demo's Foresight is. */
export interface DemoPlace {
  readonly url: string;
  readonly magicWord: string;
}

/** A rule of the demo. */
export interface DemoRule {
  /** Each time that it was due, as `GET /rules/{id}/events` tells it, the oldest first. */
  events(): Promise<readonly DemoEvent[]>;
}

/** One of these. */
export interface DemoEvent {
  readonly outcome: string;
  readonly reason: string | null;
  readonly confirmation: string | null;
  readonly due_at: string;
  readonly held_s: number;
  readonly chunks: readonly { readonly first: number; readonly last: number }[];
  readonly delivery: { readonly state: string } | null;
}

/**
 * Adds the rule that somebody wrote.
 *
 * @throws {Error} if it is refused, with the reason
 */
export async function addDemoRule(place: DemoPlace, when: string): Promise<DemoRule> {
  const then = { message: "Foresight saw at {at}: {seen}" };
  const init = { method: "POST", body: JSON.stringify({ when, then }) };
  const { id } = await asked(place, "/rules", init) as { readonly id: string };
  return {
    async events() {
      const { items } = await asked(place, `/rules/${id}/events`) as { items: DemoEvent[] };
      return items.toReversed();
    },
  };
}

/** Says what became of the rule, an event a line. */
export function tellEvents(when: string, events: readonly DemoEvent[]): void {
  const fired = events.filter(({ outcome }) => outcome === "fired").length;
  say(`rule         "${when}" fired ${fired} ${fired === 1 ? "time" : "times"}`);
  for (const event of events) {
    const chunks = event.chunks.map(({ first, last }) => `${first} to ${last}`).join(", ");
    const held = `held for ${event.held_s.toFixed(1)} s in chunks ${chunks}`;
    const why = event.reason ?? event.confirmation ?? "";
    say(`             ${event.due_at}  ${event.outcome}: ${held}; ${why}`);
  }
}

async function asked({ url, magicWord }: DemoPlace, path: string, init: RequestInit = {}) {
  const headers = { "x-magic-word": magicWord };
  const response = await fetch(url + path, { ...init, headers });
  const body = await response.json();
  if (!response.ok) throw new Error(`Cannot use the rule: ${JSON.stringify(body.detail)}`);
  return body as unknown;
}
