import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { modelIdentityOf } from "../../inference/modal_identity.ts";

const CONFIGURED = {
  tokenId: "ak-house",
  tokenSecret: "as-house",
  appName: "foresight-gemma3-vlm",
  className: "Gemma3VLMSession",
};
const UNSET = { ...CONFIGURED, tokenId: "", tokenSecret: "" };
const HEADER_OF = {
  tokenId: "x-modal-token-id",
  tokenSecret: "x-modal-token-secret",
  appName: "x-modal-app-name",
  className: "x-modal-class-name",
} as const;

Deno.test("modelIdentityOf takes the configuration where the headers say nothing [V10]", () => {
  assertEquals(modelIdentityOf(new Headers(), CONFIGURED), CONFIGURED);
});

Deno.test("modelIdentityOf takes each part from its own header first, trimmed [V10]", () => {
  const given = { tokenId: "ak-1", tokenSecret: "as-1", appName: "app-1", className: "Class1" };
  for (const [part, header] of Object.entries(HEADER_OF)) {
    const value = given[part as keyof typeof given];
    const headers = new Headers({ [header.toUpperCase()]: ` \t${value} ` });
    assertEquals(modelIdentityOf(headers, CONFIGURED), { ...CONFIGURED, [part]: value });
  }
});

Deno.test("modelIdentityOf takes an empty or blank header for none [V10]", () => {
  for (const blank of ["", "   ", "\t"]) {
    const headers = new Headers(Object.values(HEADER_OF).map((header) => [header, blank]));
    assertEquals(modelIdentityOf(headers, CONFIGURED), CONFIGURED);
  }
});

Deno.test("modelIdentityOf is null without a token id and a secret [V8, V10]", () => {
  const given = (headers: Record<string, string>) => modelIdentityOf(new Headers(headers), UNSET);
  assertEquals(given({}), null);
  assertEquals(given({ "x-modal-token-id": "ak-1" }), null);
  assertEquals(given({ "x-modal-token-secret": "as-1" }), null);
  assertEquals(given({ "x-modal-app-name": "app", "x-modal-class-name": "Class" }), null);
  assertEquals(given({ "x-modal-token-id": "ak-1", "x-modal-token-secret": "as-1" }), {
    ...CONFIGURED,
    tokenId: "ak-1",
    tokenSecret: "as-1",
  });
});

Deno.test("modelIdentityOf never mixes one part up with another [V10]", () => {
  const maybe = (word: string) => fc.constantFrom(undefined, "", ` ${word} `);
  const part = (name: string) => fc.tuple(maybe(`${name}-header`), fc.constantFrom("", name));
  const parts = fc.record({
    tokenId: part("id"),
    tokenSecret: part("secret"),
    appName: part("app"),
    className: part("class"),
  });
  fc.assert(fc.property(parts, (parts) => {
    const headers = new Headers();
    const configured = { ...CONFIGURED };
    const expected = { ...CONFIGURED };
    for (const [name, [header, setting]] of Object.entries(parts)) {
      const key = name as keyof typeof CONFIGURED;
      if (header !== undefined) headers.set(HEADER_OF[key], header);
      configured[key] = setting;
      expected[key] = header?.trim() || setting;
    }
    const isWhole = expected.tokenId !== "" && expected.tokenSecret !== "";
    assertEquals(modelIdentityOf(headers, configured), isWhole ? expected : null);
  }));
});
