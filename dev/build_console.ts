/**
 * `deno task console:build [--check]`: the console's sources become what is served. That is in the
 * repository, so that no server has to build anything. `--check` says whether it is what the sources
 * make.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { parseArgs } from "node:util";
import { runCommand, say } from "./terminal.ts";

const ROOT = new URL("../", import.meta.url);
const ENTRY = "console/console.tsx";
/** Served as they are; more than one become one. */
const COPIED: Readonly<Record<string, readonly string[]>> = {
  "index.html": ["console/index.html"],
  "console.css": ["console/console.css", "console/live/live.css", "console/timeline/timeline.css"],
  "icon.svg": ["console/icon.svg"],
  "LICENSES.txt": ["console/LICENSES.txt"],
};
/** Which packages, in which versions. */
const PACKAGES = "console/deno.json";
const SERVED = "console/served/";
const CHECKED = ".scratch/console/";
const IMPORT = /(?:\bfrom|\bimport)\s*"(\.[^"]+)"/g;

/** Where `console.js` says of what it was made. */
export const DIGEST_FILE = `${SERVED}SOURCES.sha256`;

/** Of all sources that `console.js` is made of. */
export async function digestOfSources(): Promise<string> {
  const seen = new Map<string, string>();
  await readAll(ENTRY, seen);
  seen.set(PACKAGES, await textOf(PACKAGES));
  const hash = createHash("sha256");
  for (const path of [...seen.keys()].toSorted()) hash.update(`${path}\0${seen.get(path)}\0`);
  return `${hash.digest("hex")}\n`;
}

/** All files that are served beside `console.js`, by their paths in the project. */
export async function copies(): Promise<ReadonlyMap<string, string>> {
  const made = new Map<string, string>();
  for (const [name, paths] of Object.entries(COPIED)) {
    made.set(SERVED + name, (await Promise.all(paths.map(textOf))).join("\n"));
  }
  return made;
}

async function readAll(path: string, seen: Map<string, string>): Promise<void> {
  if (seen.has(path)) return;
  const text = await textOf(path);
  seen.set(path, text);
  for (const [, specifier] of text.matchAll(IMPORT)) {
    const { pathname } = new URL(specifier!, `file:///${path}`);
    await readAll(pathname.slice(1), seen);
  }
}

function textOf(path: string): Promise<string> {
  return Deno.readTextFile(new URL(path, ROOT));
}

async function bundle(to: string): Promise<void> {
  const args = ["bundle", "-q", "--minify", "--platform", "browser", "--output", to, ENTRY];
  const { success } = await new Deno.Command("deno", { args, cwd: ROOT, stdout: "null" }).output();
  if (!success) throw new Error("Cannot bundle the console: deno bundle failed");
}

async function build(): Promise<number> {
  await bundle(`${SERVED}console.js`);
  for (const [path, text] of await copies()) await Deno.writeTextFile(new URL(path, ROOT), text);
  await Deno.writeTextFile(new URL(DIGEST_FILE, ROOT), await digestOfSources());
  say(`${SERVED} is what the sources make.`);
  return 0;
}

/** The digest says that nobody forgot to build; this, that what was built is what is served. */
async function check(): Promise<number> {
  await Deno.mkdir(new URL(CHECKED, ROOT), { recursive: true });
  await bundle(`${CHECKED}console.js`);
  const isSame = await textOf(`${CHECKED}console.js`) === await textOf(`${SERVED}console.js`);
  say(isSame ? "The console is what its sources make." : "Run: deno task console:build");
  return isSame ? 0 : 1;
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
  await runCommand(values.check ? check : build);
}
