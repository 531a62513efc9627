import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { hidePrivateDetails } from "../../wearers/private_details.ts";

const HIDDEN: Readonly<Record<string, string>> = {
  "Call 555-0123 now": "Call [phone] now",
  "Call (555) 123-4567.": "Call [phone].",
  "a van (0301234567)": "a van ([phone])",
  "a card with +49 151 / 234 567 89 on it": "a card with [phone] on it",
  "+44 (0)20 7946 0958, open": "[phone], open",
  "٠١٢٣٤٥٦٧٨٩ on a door": "[phone] on a door",
  "5551234 since 2026-11-20 5551234": "[phone] since 2026-11-20 [phone]",
  "a card 4111 1111 1111 1111, valid": "a card [card], valid",
  "4111–1111–1111–1112 misread": "[card] misread",
  "write to ann.lee+work@mail.example.co.uk.": "write to [email].",
  "jürgen@müller.example and a_b@x.io": "[email] and [email]",
};

const SHOWN = [
  "A man of 42 waits for bus 100 at 12:30.",
  "Opened 2026-11-20, closed 20.11.2026 or 11/20/2026",
  "From 1990-2005 the number 123456 hung here.",
  "It costs $1,234,567 for @home or at 3.5%",
  "",
];

for (const [text, hidden] of Object.entries(HIDDEN)) {
  Deno.test(`hidePrivateDetails takes out: ${text} [A10]`, () => {
    assertEquals(hidePrivateDetails(text), hidden);
    assertEquals(hidePrivateDetails(hidden), hidden, "twice is once");
  });
}

Deno.test("hidePrivateDetails leaves dates, times, prices and small numbers", () => {
  for (const text of SHOWN) assertEquals(hidePrivateDetails(text), text);
});

const anySeparator = fc.constantFrom("", " ", "-", ".", "/", "\u2011", "\u00a0", " - ", ") ");
const anyDigits = fc.array(fc.tuple(fc.nat(9), anySeparator), { minLength: 7, maxLength: 19 });

Deno.test("hidePrivateDetails leaves no number of a phone or card, however it is spaced [A10]", () => {
  fc.assert(fc.property(anyDigits, (pairs) => {
    const number = pairs.map(([digit, separator], at) => at === 0 ? digit : separator + digit)
      .join("");
    const said = hidePrivateDetails(`A sign says ${number} in red.`);
    // A beginning that is a date is left, and so is what is too short behind it.
    const rest = said.replace(/\d{1,4}([-./])\d{1,2}\1\d{2,4}(?!\d)|\d{4}\p{Pd}\d{4}/gu, "");
    assert((rest.match(/\d/g)?.length ?? 0) < 7, said);
  }));
});

// A pattern that goes back too often would not end here for hours.
Deno.test("hidePrivateDetails ends soon, whatever the text", () => {
  const hostile = [
    "a.".repeat(50_000),
    "a@".repeat(50_000),
    "1 (".repeat(30_000),
    "+".repeat(99_999),
  ];
  for (const text of [...hostile, `${"a".repeat(99_999)}@`, "1-1-".repeat(25_000)]) {
    assert(hidePrivateDetails(text).length <= text.length, text.slice(0, 10));
  }
});
