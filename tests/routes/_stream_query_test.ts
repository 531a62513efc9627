import { assert, assertEquals } from "@std/assert";
import { coach } from "../../inference/profiles/coach.ts";
import { readStreamQuery } from "../../routes/_stream_query.ts";

Deno.test("readStreamQuery reads the profile and the claim; empty is absent [S4]", () => {
  const nothing = { kind: "valid", prompt: null, claim: null } as const;
  assertEquals(readStreamQuery({}, true), nothing);
  assertEquals(
    readStreamQuery({ profile: "", session: "", resume: "", cursor: "" }, true),
    nothing,
  );
  assertEquals(readStreamQuery({ magic_word: "x", cursor: "7" }, true), nothing);
  assertEquals(
    readStreamQuery({ profile: "coach", session: "s", resume: "r", cursor: "12" }, true),
    {
      kind: "valid",
      prompt: coach.prompt,
      claim: { sessionId: "s", secret: "r", cursor: 12 },
    },
  );
  const whole = readStreamQuery({ session: "s", resume: "r" }, true);
  assert(whole.kind === "valid");
  assertEquals(whole.claim?.cursor, 0, "who names no cursor has seen nothing");
});

Deno.test("readStreamQuery asks clients of v1 about no session, whatever they say [V]", () => {
  for (const query of [{ session: "s" }, { session: "s", resume: "r", cursor: "x" }]) {
    assertEquals(readStreamQuery(query, false), { kind: "valid", prompt: null, claim: null });
  }
  assertEquals(readStreamQuery({ profile: "poet" }, false).kind, "invalid");
});

Deno.test("readStreamQuery says what is wrong by name, and never the secret [S4, A4]", () => {
  const long = "x".repeat(129);
  const wrong: [query: Record<string, string>, detail: string][] = [
    [{ session: "s" }, "resume must be given beside session: current value is missing"],
    [{ resume: "hush" }, "session must be given beside resume: current value is missing"],
    [
      { session: long, resume: "hush" },
      `session must be at most 128 characters: current value is "${long}"`,
    ],
    [
      { session: "s", resume: `hush${long}` },
      "resume must be at most 128 characters: current value is hidden, as it is a secret",
    ],
  ];
  for (const cursor of ["-1", "1.5", "1e3", "x", "9999999999", " 1", "٣"]) {
    const detail = "cursor must be a whole number from 0 to 999999999: current value is " +
      JSON.stringify(cursor);
    wrong.push([{ session: "s", resume: "hush", cursor }, detail]);
  }
  for (const [query, detail] of wrong) {
    assertEquals(readStreamQuery(query, true), { kind: "invalid", detail });
  }
});
