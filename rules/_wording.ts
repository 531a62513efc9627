/**
 * What a message says: the rule's template, filled in with facts.
 *
 * @module
 */
import type { Rule } from "../kv/rule_keys.ts";
import { MAX_MESSAGE_CHARS } from "../kv/outbox_keys.ts";
import { MESSAGE_FIELDS } from "./_message.ts";

/** What is known of a firing. */
export interface Facts {
  readonly atMs: number;
  readonly sinceMs: number;
  readonly heldMs: number;
  /** The model's words; null: there are none. */
  readonly seen: string | null;
  /** The IANA name of a time zone; null: UTC. */
  readonly zone: string | null;
}

type Field = typeof MESSAGE_FIELDS[number];

const MAX_SEEN_CHARS = 200;
const FIELD = new RegExp(`\\{(${MESSAGE_FIELDS.join("|")})\\}`, "g");
/** Schemes, and hosts with a path or a well-known end: a message must lead nobody anywhere. */
const LINK =
  /\b[a-z][a-z0-9+.-]{1,20}:\/\/\S*|\b(?:mailto|tel|sms|javascript|data):\S*|\bwww\.\S+|\b(?:[\p{L}\p{N}-]+\.)+\p{L}{2,}(?:[/?#:]\S*|\b)/giu;

/** The message of a firing. */
export function wordingOf(rule: Pick<Rule, "name" | "kind" | "then">, facts: Facts): string {
  const { zone, atMs, sinceMs } = facts;
  const filled = filledIn(rule.then.message, {
    rule: rule.name,
    state: rule.kind === "seen" ? "seen" : "not seen",
    seen: quoted(facts.seen),
    at: timeOf(atMs, atMs, zone),
    since: timeOf(sinceMs, atMs, zone),
    for: durationOf(facts.heldMs),
  });
  if (filled.length <= MAX_MESSAGE_CHARS) return filled;
  return `${filled.slice(0, MAX_MESSAGE_CHARS - 1).toWellFormed()}…`;
}

/** What it says, whenever it says it: two that say the same within a moment are one. */
export function gistOf({ name, kind, then }: Pick<Rule, "name" | "kind" | "then">): string {
  const none = { seen: "", at: "", since: "", for: "" };
  const state = kind === "seen" ? "seen" : "not seen";
  const text = filledIn(then.message, { ...none, rule: name, state });
  return JSON.stringify([then.channel, then.to, text]);
}

/** A model may say what a sign said: it is quoted, short, on one line, and leads nowhere. */
export function quoted(words: string | null): string {
  const plain = (words ?? "").replace(/[\p{C}\p{Z}\s]+/gu, " ").replace(LINK, "[link]")
    .replace(/["“”„«»]/g, "'").trim();
  if (plain === "") return "nothing";
  const short = plain.length > MAX_SEEN_CHARS
    ? `${plain.slice(0, MAX_SEEN_CHARS - 1).toWellFormed()}…`
    : plain;
  return `“${short}”`;
}

/** What is filled in is not looked at again: braces in it are only braces. */
function filledIn(template: string, fields: Readonly<Record<Field, string>>): string {
  return template.replace(FIELD, (_, name: Field) => fields[name]);
}

/** `14:05`, with the date where that is another day than `besideMs`, and `UTC` without a zone. */
function timeOf(ms: number, besideMs: number, zone: string | null): string {
  const [at, beside] = [ms, besideMs].map((epochMs) =>
    Temporal.Instant.fromEpochMilliseconds(Math.round(epochMs)).toZonedDateTimeISO(zone ?? "UTC")
  );
  const time = at!.toPlainTime().toString({ smallestUnit: "minute" });
  const day = at!.toPlainDate();
  const date = day.equals(beside!.toPlainDate()) ? "" : `${day} `;
  return `${date}${time}${zone === null ? " UTC" : ""}`;
}

/** `3 s`, `10 min`, `1 h 30 min`. */
function durationOf(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  if (hours === 0) return `${minutes} min`;
  return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`;
}
