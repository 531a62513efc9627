import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { createRedactor, redactQuery } from "../redact.ts";

const SECRET = "pk_a/b+c=d.e";

Deno.test("Redactor.text takes out every occurrence, however it is spelled [A4]", () => {
  const { text } = createRedactor(SECRET);
  const spellings = [
    SECRET,
    encodeURIComponent(SECRET),
    encodeURIComponent(SECRET).toLowerCase(),
    "pk_a\\/b+c=d.e",
    "pk_a\\u002fb\\u002Bc=d.e",
    "%70%6b%5F%61%2F%62%2B%63%3D%64%2E%65",
  ];
  for (const spelling of spellings) {
    assertEquals(text(`(${spelling}) and ${spelling}!`), "([redacted]) and [redacted]!");
  }
});

Deno.test("Redactor.text leaves everything else as it is", () => {
  const { text } = createRedactor(SECRET);
  const like = "pk_a/b+c=dXe pk_a pk_a//b+c=d.e PK_A/B+C=D.E %zz \\u00";
  assertEquals(text(like), like);
});

Deno.test("Redactor.text takes out any ASCII secret, plain and percent-encoded [A4]", () => {
  const visible = fc.string({
    unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
    minLength: 8,
    maxLength: 40,
  });
  fc.assert(fc.property(visible, (secret) => {
    const { text } = createRedactor(secret);
    const echo = `<é${secret}é${encodeURIComponent(secret)}é>`;
    assertEquals(text(echo), "<é[redacted]é[redacted]é>");
  }));
});

Deno.test("Redactor.json takes the secret out of texts and names at any depth [A4]", () => {
  const { json } = createRedactor(SECRET);
  assertEquals(
    json({ ok: true, n: 1, none: null, list: [`Bearer ${SECRET}`, { [SECRET]: { in: SECRET } }] }),
    {
      ok: true,
      n: 1,
      none: null,
      list: ["Bearer [redacted]", { "[redacted]": { in: "[redacted]" } }],
    },
  );
});

Deno.test("Redactor takes out several secrets, and none where there is none [A4]", () => {
  assertEquals(createRedactor("one", "", "zwei-é").text("one, zwei-é"), "[redacted], [redacted]");
  assertEquals(createRedactor("").text("nothing to hide"), "nothing to hide");
});

Deno.test("redactQuery keeps names and takes values out [A4]", () => {
  const url = new URL("https://host/vision/stream?magic_word=a&b=c&b=d");
  assertEquals(redactQuery(url), "/vision/stream?magic_word=[redacted]&b=[redacted]");
  assertEquals(redactQuery(new URL("https://host/health")), "/health");
});
