/**
 * A Foresight with a timeline, and a client of its event stream.
 *
 * @module
 */
import { DEFAULT_WEARER, type LiveSession } from "../../kv/keys.ts";
import type { TestForesight } from "../_foresight.ts";
import { noon, tell } from "../timeline/_timeline.ts";

/** A session of the wearer that the tests act as. */
export const session: LiveSession = { ...noon, wearer: DEFAULT_WEARER };

/** Captions of which no two say the same. */
export const different = (count: number) => Array.from({ length: count }, (_, at) => `saw ${at}`);

/** What a list answers. */
export interface Answer {
  readonly status: number;
  readonly detail?: string;
  // deno-lint-ignore no-explicit-any
  readonly items: any[];
  readonly next_cursor: string | null;
}

/** Writes the session as if its chunks had said so. */
export function seen(
  { kv }: TestForesight,
  captions: readonly (string | null)[],
  changed: Partial<LiveSession> = {},
): Promise<void> {
  return tell(kv, captions, { ...session, ...changed });
}

/** Asks for a list. */
export async function list({ fetch }: TestForesight, path: string): Promise<Answer> {
  const response = await fetch(path);
  return { status: response.status, ...await response.json() };
}

/** Pages to the end; `between` is called after each page. */
export async function listAll(
  foresight: TestForesight,
  path: string,
  between: () => Promise<void> = () => Promise.resolve(),
): Promise<Answer["items"]> {
  const items = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const page: Answer = await list(foresight, `${path}&cursor=${cursor}`);
    if (page.status !== 200) throw new Error(page.detail);
    items.push(...page.items);
    cursor = page.next_cursor;
    await between();
  }
  return items;
}

/** One event as a browser hears it. */
export interface LiveEvent {
  readonly id: string | undefined;
  readonly event: string | undefined;
  // deno-lint-ignore no-explicit-any
  readonly data: any;
}

/** Watches the timeline: events one by one. */
export class LiveClient {
  readonly response: Response;
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";

  private constructor(response: Response) {
    this.response = response;
    this.#reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  }

  static async connect(
    { fetch }: Pick<TestForesight, "fetch">,
    lastEventId: string | null = null,
    query = "",
  ): Promise<LiveClient> {
    const headers = lastEventId === null ? {} : { "last-event-id": lastEventId };
    return new LiveClient(await fetch(`/timeline/live${query}`, { headers }));
  }

  /** The next block; null: the stream is over. */
  async next(): Promise<LiveEvent | null> {
    while (!this.#text.includes("\n\n")) {
      const { done, value } = await this.#reader.read();
      if (done) return null;
      this.#text += value;
    }
    const end = this.#text.indexOf("\n\n");
    const block = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + 2);
    const field = (name: string) => block.match(new RegExp(`^${name}: (.*)$`, "m"))?.[1];
    const data = field("data");
    return { id: field("id"), event: field("event"), data: data && JSON.parse(data) };
  }

  leave(): Promise<void> {
    return this.#reader.cancel();
  }
}
