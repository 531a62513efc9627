/**
 * Rules as somebody may write them, by chance.
 *
 * @module
 */
import fc from "fast-check";
import { DAYS, RULE_KINDS } from "../../kv/rule_keys.ts";
import { MESSAGE_FIELDS } from "../../rules/_message.ts";

/** Every field at its bounds and between. */
export function anyDraftBody() {
  const words = fc.array(fc.constantFrom("a", "dog", "ü", "22", "🔥", "is"), { maxLength: 12 });
  const text = words.map((all) => ["On", ...all].join(" "));
  const field = fc.constantFrom(...MESSAGE_FIELDS).map((name) => `{${name}}`);
  const message = fc.array(fc.oneof(text, field), { minLength: 1, maxLength: 9 }).map((all) =>
    all.join(" ")
  );
  const time = fc.tuple(fc.integer({ min: 1, max: 23 }), fc.nat(59)).map((parts) =>
    parts.map((part) => String(part).padStart(2, "0")).join(":")
  );
  const hours = fc.record({
    from: time,
    to: time,
    zone: fc.constantFrom("UTC", "Europe/Berlin", "Asia/Kathmandu"),
    days: fc.uniqueArray(fc.constantFrom(...DAYS), { minLength: 1 }),
  }, { requiredKeys: ["from", "to", "zone"] }).filter(({ from, to }) => from !== to);
  const host = fc.constantFrom("hooks.example.com", "bücher.example.org", "93.184.216.34:8443");
  const to = fc.tuple(host, fc.webPath(), fc.webQueryParameters()).map(([host, path, query]) =>
    `https://${host}${path}?${query}`
  );
  const then = fc.oneof(
    fc.record({ message, channel: fc.constantFrom("poke", "log") }, { requiredKeys: [] }),
    fc.record({
      message,
      channel: fc.constant("webhook"),
      to,
    }),
  );
  return fc.record({
    name: text,
    kind: fc.constantFrom(...RULE_KINDS),
    when: text,
    then,
    hold_s: fc.oneof(fc.nat(59), fc.nat(86_400)),
    cooldown_s: fc.nat(604_800),
    active_hours: fc.option(hours),
    max_per_day: fc.integer({ min: 1, max: 100 }),
    enabled: fc.boolean(),
    confirm: fc.boolean(),
  }, { requiredKeys: ["when"] });
}
