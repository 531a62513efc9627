import { assert, assertEquals, assertRejects } from "@std/assert";
import { connectGlasses } from "../../dev/glasses.ts";
import { MAGIC_WORD, withForesight } from "../_foresight.ts";

const PATHS: [method: string, path: string][] = [
  ["GET", "/vision/stream"],
  ["POST", "/poke/send"],
  ["POST", "/"],
  ["GET", "/console"],
  ["GET", "/nothing/here"],
];

Deno.test("access is refused without the word, with a wrong one, and when none is set [A2, A3]", async () => {
  for (const MAGIC of [MAGIC_WORD, ""]) {
    await withForesight({ MAGIC_WORD: MAGIC }, async ({ url, kv }) => {
      for (const [method, path] of PATHS) {
        for (const word of ["", "wrong", `${MAGIC_WORD}x`]) {
          for (const given of [{ header: word, query: "" }, { header: "", query: word }]) {
            const response = await fetch(`${url}${path}?magic_word=${given.query}`, {
              method,
              headers: given.header ? { "x-magic-word": given.header } : {},
            });
            assertEquals([response.status, await response.text()], [403, "forbidden"]);
          }
        }
      }
      const entries = await Array.fromAsync(kv.list({ prefix: [] }));
      assertEquals(entries.length, 0, "nothing is written for who is refused");
    });
  }
});

Deno.test("access to the stream is refused before the upgrade [A3]", () =>
  withForesight({}, async ({ url, kv, streams }) => {
    await assertRejects(() => connectGlasses(url, { magicWord: "wrong" }));
    assertEquals(streams.size, 0);
    assertEquals((await Array.fromAsync(kv.list({ prefix: [] }))).length, 0);
  }));

Deno.test("access is given by header or by query [A2]", () =>
  withForesight({}, async ({ url }) => {
    const byHeader = await fetch(`${url}/x`, { headers: { "x-magic-word": MAGIC_WORD } });
    const byQuery = await fetch(`${url}/x?magic_word=${encodeURIComponent(MAGIC_WORD)}`);
    assertEquals([byHeader.status, byQuery.status], [404, 404]);
    await byHeader.body?.cancel();
    await byQuery.body?.cancel();
  }));

Deno.test("health is public, says ok, and answers carry a request id [A1, H1, H3]", () =>
  withForesight({}, async ({ url }) => {
    const response = await fetch(`${url}/health`);
    assertEquals((await response.json()).status, "ok");
    assert(response.headers.get("x-request-id"));
    const named = await fetch(`${url}/nothing`, { headers: { "x-request-id": "proxy-17" } });
    assertEquals(named.headers.get("x-request-id"), "proxy-17");
    await named.body?.cancel();
    const forged = await fetch(`${url}/nothing`, { headers: { "x-request-id": 'a"} {' } });
    assert(forged.headers.get("x-request-id") !== 'a"} {');
    await forged.body?.cancel();
  }));

Deno.test("unknown paths are 404 with a detail [H2]", () =>
  withForesight({}, async ({ fetch }) => {
    const response = await fetch("/nothing");
    assertEquals([response.status, await response.json()], [404, { detail: "Not Found" }]);
  }));

Deno.test("secrets stay out of the log, wherever they were put [A4]", () =>
  withForesight({}, async ({ url, logged }) => {
    const secrets = ["a-secret", MAGIC_WORD, "sk-poke"];
    const query = `magic_word=${MAGIC_WORD}&resume=a-secret`;
    await (await fetch(`${url}/poke/send?${query}`, {
      method: "POST",
      headers: { "x-poke-api-key": "sk-poke", "x-modal-token-secret": "a-secret" },
      body: '{"message": 7}',
    })).body?.cancel();
    await (await fetch(`${url}/vision/stream?${query}`)).body?.cancel();
    const lines = JSON.stringify(logged);
    assert(lines.includes("/poke/send?magic_word=[redacted]&resume=[redacted]"), lines);
    for (const secret of secrets) assert(!lines.includes(secret), lines);
  }));
