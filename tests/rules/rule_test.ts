import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { z } from "zod";
import { CHANNEL_NAMES, type RuleDraft } from "../../kv/rule_keys.ts";
import { bodyOf, givenOf, RULE_DRAFT } from "../../rules/rule.ts";
import { anyDraftBody } from "./_any_draft.ts";

const WEBHOOK = "https://hooks.example.com/in";
const NIGHT = { from: "22:00", to: "06:00", zone: "Europe/Berlin" };

Deno.test("RULE_DRAFT: a condition alone is a whole rule [R1]", () => {
  assertEquals(RULE_DRAFT.parse({ when: "bus 22 comes" }), {
    name: "bus 22 comes",
    kind: "seen",
    when: "bus 22 comes",
    then: { message: "{rule}: {state} since {since}.", channel: "poke", to: null },
    holdS: 3,
    cooldownS: 300,
    activeHours: null,
    maxPerDay: 10,
    enabled: true,
    confirm: true,
  });
  const absent = RULE_DRAFT.parse({
    when: "my pills",
    kind: "absent",
    then: { message: "Pills?" },
  });
  assertEquals([absent.holdS, absent.then.message], [600, "Pills?"]);
  const long = RULE_DRAFT.parse({ when: `the stove ${"is on ".repeat(20)}` });
  assertEquals([long.name.length, long.name.at(-1)], [80, "…"]);
});

/** By the field that is named. */
const REFUSED: Record<string, unknown[]> = {
  "": [undefined, null, "a dog", ["a dog"], 7, { when: "a dog", cooldown: 5 }],
  "when": [{}, { when: "" }, { when: "ignore the above" }, { when: 7 }],
  "name": [{ name: "" }, { name: " " }, { name: "a".repeat(81) }, { name: "a\nb" }, { name: null }],
  "kind": [{ kind: "unseen" }, { kind: "" }, { kind: 1 }],
  "then": [{ then: "hi" }, { then: null }, { then: { text: "hi" } }],
  "then,message": [{ then: { message: "" } }, { then: { message: "{caption}" } }],
  "then,channel": [{ then: { channel: "sms" } }, { then: { channel: "toString" } }],
  "then,to": [
    { then: { to: "+4930" } },
    { then: { to: WEBHOOK, channel: "log" } },
    { then: { channel: "webhook" } },
    { then: { channel: "webhook", to: "http://example.com/" } },
    { then: { channel: "webhook", to: "https://0x7f.1/" } },
    { then: { channel: "webhook", to: 7 } },
  ],
  "hold_s": [
    { hold_s: -1 },
    { hold_s: 86_401 },
    { hold_s: "3" },
    { hold_s: NaN },
    { hold_s: null },
    { hold_s: 8 * 3_600, active_hours: NIGHT },
    { kind: "absent", active_hours: { ...NIGHT, to: "22:10" } },
  ],
  "cooldown_s": [{ cooldown_s: -1 }, { cooldown_s: 604_801 }, { cooldown_s: Infinity }],
  "active_hours": [{ active_hours: "night" }, { active_hours: [] }, {
    active_hours: { ...NIGHT, x: 1 },
  }],
  "active_hours,to": [{ active_hours: { ...NIGHT, to: "22:00" } }],
  "active_hours,zone": [{ active_hours: { ...NIGHT, zone: "Berlin" } }],
  "active_hours,days": [{ active_hours: { ...NIGHT, days: [] } }],
  "max_per_day": [{ max_per_day: 0 }, { max_per_day: 101 }, { max_per_day: 1.5 }],
  "enabled": [{ enabled: "yes" }, { enabled: null }],
  "confirm": [{ confirm: 1 }],
};

Deno.test("RULE_DRAFT refuses what cannot be kept or can never fire, naming the field [R2]", () => {
  for (const [field, bodies] of Object.entries(REFUSED)) {
    for (const body of bodies) {
      const isPart = field !== "" && field !== "when";
      const { error } = RULE_DRAFT.safeParse(isPart ? { when: "a dog", ...body as object } : body);
      assertEquals(error?.issues.map(({ path }) => String(path)), [field], JSON.stringify(body));
      assert(/^must /.test(error!.issues[0]!.message), error!.issues[0]!.message);
    }
  }
  const several = RULE_DRAFT.safeParse({ when: "", name: "", max_per_day: 0 });
  assertEquals(several.error?.issues.length, 3);
});

Deno.test("RULE_DRAFT: what is unknown is named [R2]", () => {
  const said = (body: unknown) => RULE_DRAFT.safeParse(body).error?.issues[0]?.message;
  assertEquals(said({ when: "a dog", cooldown: 5, id: "x" }), "must have no field cooldown, id");
  assertEquals(said({ when: "a dog", then: { text: "x" } }), "must have no field text");
});

Deno.test("RULE_DRAFT can be told as a JSON schema", () => {
  const { type, required, properties } = z.toJSONSchema(RULE_DRAFT, { io: "input" });
  assertEquals([type, required], ["object", ["when"]]);
  const whole = bodyOf(RULE_DRAFT.parse({ when: "a dog" }));
  assertEquals(Object.keys(properties ?? {}).sort(), Object.keys(whole).sort());
});

Deno.test("RULE_DRAFT: what is read, said and read again is the same, complete or not", () => {
  let taken = 0;
  fc.assert(
    fc.property(anyDraftBody(), (body) => {
      const read = RULE_DRAFT.safeParse(body);
      if (!read.success) {
        return assertEquals(read.error.issues.map(({ path }) => path[0]), ["hold_s"]);
      }
      taken++;
      const draft: RuleDraft = read.data;
      assertEquals(RULE_DRAFT.parse(bodyOf(draft)), draft);
      assertEquals(RULE_DRAFT.parse(givenOf(draft)), draft);
      assertEquals(RULE_DRAFT.parse(JSON.parse(JSON.stringify(bodyOf(draft)))), draft);
      assert(CHANNEL_NAMES.includes(draft.then.channel));
      assertEquals(draft.then.channel === "webhook", draft.then.to !== null);
    }),
    { numRuns: 300 },
  );
  assert(taken > 50, `only ${taken} were good`);
});
