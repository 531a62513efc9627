import { assert, assertEquals } from "@std/assert";
import { get, type IncomingMessage } from "node:http";
import { copies, DIGEST_FILE, digestOfSources } from "../../dev/build_console.ts";
import { MAGIC_WORD, withForesight } from "../_foresight.ts";

const ROOT = new URL("../../", import.meta.url);
const MAX_FIRST_VIEW_BYTES = 60_000;

interface Raw {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** As it comes over the network: `fetch` would unpack it. */
async function raw(url: string, headers: Record<string, string> = {}): Promise<Raw> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  get(url, { headers, agent: false }, resolve).on("error", reject);
  const message = await promise;
  const pieces: Uint8Array[] = [];
  for await (const piece of message) pieces.push(piece);
  const bytes = await new Blob(pieces as BlobPart[]).bytes();
  return { status: message.statusCode!, headers: message.headers, bytes };
}

/** What the page asks for by itself. */
function linked(page: string): string[] {
  return [...page.matchAll(/\b(?:src|href)="([^"]+)"/g)].map(([, address]) => address!);
}

Deno.test("the console is everyone's, and what it shows is not [A1]", () =>
  withForesight({}, async ({ url }) => {
    const page = await raw(url);
    assertEquals([page.status, page.headers["content-type"]], [200, "text/html; charset=utf-8"]);
    const addresses = linked(new TextDecoder().decode(page.bytes));
    assertEquals(addresses.length, 3, "script, style and icon");
    for (const address of addresses) {
      assert(address.startsWith("/console/"), address);
      assertEquals((await raw(url + address)).status, 200, address);
    }
    const others = ["/console", "/console/", "/console/served", "/console/index.html", "/profiles"];
    for (const path of [...others, "/console/../settings.ts", "/console/SOURCES.sha256"]) {
      assertEquals((await raw(url + path)).status, 403, path);
    }
    const posted = await fetch(url, { method: "POST", body: "{}" });
    assertEquals([posted.status, await posted.text()], [403, "forbidden"]);
    const headers = { "x-magic-word": MAGIC_WORD };
    assertEquals((await raw(`${url}/console/index.html`, headers)).status, 404);
  }));

Deno.test("the console may run nothing but its own files, and asks nobody else [A1]", () =>
  withForesight({}, async ({ url }) => {
    const { headers, bytes } = await raw(url);
    const policy = new Map(
      String(headers["content-security-policy"]).split("; ").map((directive) => {
        const [name, ...sources] = directive.split(" ");
        return [name, sources.join(" ")];
      }),
    );
    assertEquals(policy.get("default-src"), "'none'");
    for (const name of ["script-src", "style-src", "connect-src"]) {
      assertEquals(policy.get(name), "'self'", name);
    }
    for (const name of ["base-uri", "form-action", "frame-ancestors", "trusted-types"]) {
      assertEquals(policy.get(name), "'none'", name);
    }
    const page = new TextDecoder().decode(bytes);
    assertEquals(page.match(/<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=|javascript:/g), null);
    const [script] = linked(page).filter((address) => address.includes(".js"));
    const code = new TextDecoder().decode((await raw(url + script)).bytes);
    assertEquals(
      code.match(/\beval\(|new Function\b|https?:\/\/(?!www\.w3\.org)/g),
      null,
    );
  }));

Deno.test("the console's first view is small, and is fetched once [A1]", () =>
  withForesight({}, async ({ url }) => {
    const zipped = { "accept-encoding": "gzip" };
    const page = await raw(url, zipped);
    const plain = new TextDecoder().decode((await raw(url)).bytes);
    const unzipped = new Blob([page.bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    assertEquals(await new Response(unzipped).text(), plain);
    let total = page.bytes.length;
    for (const address of linked(plain)) {
      const { headers, bytes } = await raw(url + address, zipped);
      assertEquals(headers["content-encoding"], "gzip", address);
      assertEquals(headers["cache-control"], "public, max-age=31536000, immutable", address);
      const stale = await raw(url + address.replace(/v=.*/, "v=other"));
      assertEquals(stale.headers["cache-control"], "no-cache", address);
      total += bytes.length;
    }
    assert(total < MAX_FIRST_VIEW_BYTES, `${total} bytes`);
    assertEquals(page.headers["cache-control"], "no-cache");
    const known = { ...zipped, "if-none-match": String(page.headers.etag) };
    const again = await raw(url, known);
    assertEquals([again.status, again.bytes.length], [304, 0]);
    const other = await raw(url, { "if-none-match": String(page.headers.etag) });
    assertEquals(other.status, 200, "not the same bytes");
  }));

Deno.test("what is served of the console is what its sources make: deno task console:build", async () => {
  const read = (path: string) => Deno.readTextFile(new URL(path, ROOT));
  assertEquals(await read(DIGEST_FILE), await digestOfSources());
  for (const [path, text] of await copies()) assertEquals(await read(path), text, path);
});

Deno.test("the console names what it is made with, as the licences want", async () => {
  const read = (path: string) => Deno.readTextFile(new URL(path, ROOT));
  const { imports } = JSON.parse(await read("console/deno.json"));
  const licences = await read("console/LICENSES.txt");
  const made = Object.values(imports).map((specifier) => /^npm:(.+)@(.+)$/.exec(`${specifier}`)!);
  assertEquals(made.map(([, name]) => name), ["preact", "@preact/signals"]);
  for (const [, name, version] of made) {
    assert(licences.includes(`== ${name} ${version}\n`), `${name} ${version}`);
  }
  // Signals bring it, in a version that they choose.
  assert(/^== @preact\/signals-core [\d.]+$/m.test(licences));
});
