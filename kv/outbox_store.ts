/**
 * Messages in KV: each moves from state to state by check-and-set, and lies in the due index until
 * it is over.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { CONFLICT, retryContended } from "./_retry_contended.ts";
import { hasExpired, keptForMs, type Stored } from "./keys.ts";
import {
  messageDueKey,
  messageDuePrefix,
  type MessageFacts,
  messageFoldKey,
  type MessageFoldRecord,
  messageKey,
  messagePrefix,
  type MessageRecord,
  type MessageState,
  outboxKey,
  outboxPrefix,
} from "./outbox_keys.ts";

/** A message that must be looked at, and the key that says so. */
export interface DueMessage {
  readonly id: string;
  readonly key: Deno.KvKey;
}

/** What a message becomes; null: it stays as it is. */
export type NextMessage = (record: MessageRecord) => Partial<MessageFacts> | null;

/** A page of messages, and where the next one begins; null: there is none. */
export interface MessagePage {
  readonly items: readonly MessageRecord[];
  readonly next: readonly [id: string] | null;
}

/** Which page. */
export interface MessagePageRequest {
  readonly order: "newest" | "oldest";
  readonly limit: number;
  /** The last id of the page before; null: the first page. */
  readonly after: string | null;
  /** Null: any. */
  readonly state: MessageState["kind"] | null;
}

/** What an {@link OutboxStore} needs. */
export interface OutboxStoreOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
  /** How long a message stays when it is over; 0: for good. */
  readonly retentionDays: number;
}

/** Reads and writes messages. Every method rejects with KV's own error. Holds nothing of its own. */
export class OutboxStore {
  readonly #kv: Deno.Kv;
  readonly #clock: Clock;
  readonly #keptMs: number;

  constructor({ kv, clock, retentionDays }: OutboxStoreOptions) {
    this.#kv = kv;
    this.#clock = clock;
    this.#keptMs = keptForMs(retentionDays);
  }

  /** Adds a new message to a commit, which then writes it or not. No checks are added. */
  add(commit: Deno.AtomicOperation, message: MessageFacts): void {
    this.#write(commit, message);
    commit.set(outboxKey(message.wearer), FOR_GOOD);
    if (message.foldHash === null) return;
    const { stored, expiry } = this.#lifeOf(message);
    const fold: MessageFoldRecord = { ...stored, messageId: message.id };
    commit.set(messageFoldKey(message.wearer, message.foldHash), fold, expiry);
  }

  /** Null: there is none, or its time is over. */
  async get(wearer: string, id: string): Promise<MessageRecord | null> {
    const { value } = await this.#kv.get<MessageRecord>(messageKey(wearer, id));
    return value && !hasExpired(value, this.#clock.epochMs()) ? value : null;
  }

  /**
   * Makes of a message what `next` says, however many want to at the same moment: `next` then sees
   * what the others made of it.
   *
   * @returns the message as it is now, `changed` or not; null: there is none
   */
  async change(
    wearer: string,
    id: string,
    next: NextMessage,
  ): Promise<{ readonly changed: boolean; readonly record: MessageRecord } | null> {
    return await retryContended(this.#clock, "change the message", async () => {
      const entry = await this.#kv.get<MessageRecord>(messageKey(wearer, id));
      if (!entry.value) return null;
      const facts = next(entry.value);
      if (!facts) return { changed: false, record: entry.value };
      const commit = this.#kv.atomic().check(entry);
      const due = dueOf(entry.value.state);
      if (due !== null) commit.delete(messageDueKey(wearer, due, id));
      const record = this.#write(commit, { ...entry.value, ...facts });
      // Whoever looked for messages of this wearer may have seen that there were none.
      if (due === null && dueOf(record.state) !== null) commit.set(outboxKey(wearer), FOR_GOOD);
      return (await commit.commit()).ok ? { changed: true, record } : CONFLICT;
    });
  }

  /** Of the wearer's messages those that must be looked at by now, the longest waiting first. */
  async due(wearer: string, limit: number): Promise<DueMessage[]> {
    const prefix = messageDuePrefix(wearer);
    // From the very moment on, so without its own.
    const end = [...prefix, this.#clock.epochMs() + 1];
    const entries = await this.#patiently(() =>
      Array.fromAsync(this.#kv.list<Stored>({ prefix, end }, { limit }))
    );
    return entries.map(({ key }) => ({ id: key.at(-1) as string, key }));
  }

  /** When one of the wearer's messages must be looked at next; null: none is left. */
  async nextDueMs(wearer: string): Promise<number | null> {
    const prefix = messageDuePrefix(wearer);
    const [next] = await this.#patiently(() =>
      Array.fromAsync(this.#kv.list<Stored>({ prefix }, { limit: 1 }))
    );
    return next ? next.key.at(-2) as number : null;
  }

  /** Takes a key out of the due index whose message is gone, or says something else. */
  async mend(wearer: string, { id, key }: DueMessage): Promise<void> {
    await this.#patiently(async () => {
      const entry = await this.#kv.get<MessageRecord>(messageKey(wearer, id));
      const due = entry.value && dueOf(entry.value.state);
      if (due !== key.at(-2)) await this.#kv.atomic().check(entry).delete(key).commit();
    });
  }

  /** The newest message of a fold; null: nobody knows. */
  async newestOf(wearer: string, foldHash: string): Promise<string | null> {
    const { value } = await this.#kv.get<MessageFoldRecord>(messageFoldKey(wearer, foldHash));
    return value && !hasExpired(value, this.#clock.epochMs()) ? value.messageId : null;
  }

  /** Wearers for whom messages may wait. */
  async *waiting(): AsyncGenerator<string> {
    for await (const { key } of this.#kv.list({ prefix: outboxPrefix() })) yield String(key.at(-1));
  }

  /** Forgets that messages wait, if none does. One that is added meanwhile is not forgotten. */
  async forget(wearer: string): Promise<void> {
    await this.#patiently(async () => {
      const entry = await this.#kv.get(outboxKey(wearer));
      if (entry.versionstamp === null || await this.nextDueMs(wearer) !== null) return;
      // Every message that is added writes the key anew, and the check fails.
      await this.#kv.atomic().check(entry).delete(entry.key).commit();
    });
  }

  /** Messages in the order in which they came to be. */
  async page(
    wearer: string,
    { order, limit, after, state }: MessagePageRequest,
  ): Promise<MessagePage> {
    const prefix = messagePrefix(wearer);
    const isNewest = order === "newest";
    const from = isNewest
      ? { end: messageKey(wearer, after ?? "") }
      : { start: messageKey(wearer, after ?? "") };
    const selector = after === null ? { prefix } : { prefix, ...from };
    const options = { reverse: isNewest, batchSize: Math.min(limit + 2, 500) };
    const items: MessageRecord[] = [];
    const nowMs = this.#clock.epochMs();
    for await (const { value } of this.#kv.list<MessageRecord>(selector, options)) {
      const isOther = value.id === after || state !== null && value.state.kind !== state;
      if (isOther || hasExpired(value, nowMs)) continue;
      if (items.length === limit) return { items, next: [items.at(-1)!.id] };
      items.push(value);
    }
    return { items, next: null };
  }

  /** Whoever else is writing to the file is soon done. */
  #patiently<T>(work: () => Promise<T>): Promise<T> {
    return retryContended(this.#clock, "look after the outbox", work);
  }

  #write(commit: Deno.AtomicOperation, message: MessageFacts): MessageRecord {
    const { stored, expiry } = this.#lifeOf(message);
    const record: MessageRecord = { ...message, ...stored };
    commit.set(messageKey(message.wearer, message.id), record, expiry);
    const due = dueOf(message.state);
    if (due !== null) commit.set(messageDueKey(message.wearer, due, message.id), stored, expiry);
    return record;
  }

  /** What waits does not expire, whatever the retention: its time to be kept begins as it ends. */
  #lifeOf({ state, giveUpAtMs }: MessageFacts): { stored: Stored; expiry: { expireIn?: number } } {
    if (this.#keptMs === Infinity) return { stored: { version: 1, expiresAtMs: null }, expiry: {} };
    const nowMs = this.#clock.epochMs();
    const fromMs = dueOf(state) === null ? nowMs : Math.max(giveUpAtMs, nowMs) + LOOK_AGAIN_MS;
    const expiresAtMs = fromMs + this.#keptMs;
    return { stored: { version: 1, expiresAtMs }, expiry: { expireIn: expiresAtMs - nowMs } };
  }
}

/** A message that is given up is looked at within this time. */
const LOOK_AGAIN_MS = 60 * 60 * 1000;
/** That messages wait is forgotten when none does, and not before. */
const FOR_GOOD: Stored = { version: 1, expiresAtMs: null };

/** When the message must be looked at next; null: it is over. */
function dueOf(state: MessageState): number | null {
  switch (state.kind) {
    case "queued":
      return state.dueMs;
    case "claimed":
      return state.leaseUntilMs;
    default:
      return null;
  }
}
