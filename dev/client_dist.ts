/**
 * What browsers load of the client: each module without its types, line for line.
 *
 * The server builds nothing: what this makes is checked in, and a test says whether it is fresh.
 *
 * @module
 */
import { stripTypeScriptTypes } from "node:module";

const CLIENT = new URL("../client/", import.meta.url);

/** Where it lies. */
export const DIST = new URL("dist/", CLIENT);

/** The modules by their names, as they are to lie in {@link DIST}. */
export async function clientDist(): Promise<Map<string, string>> {
  const modules = new Map<string, string>();
  for await (const { name } of Deno.readDir(CLIENT)) {
    if (!name.endsWith(".ts")) continue;
    const text = await Deno.readTextFile(new URL(name, CLIENT));
    const script = scriptOf(text);
    // Types alone are no module.
    if (!isBare(script)) modules.set(name.replace(/\.ts$/, ".js"), script);
  }
  return modules;
}

/** What is there, likewise. */
export async function checkedInDist(): Promise<Map<string, string>> {
  const modules = new Map<string, string>();
  for await (const { name } of Deno.readDir(DIST)) {
    modules.set(name, await Deno.readTextFile(new URL(name, DIST)));
  }
  return modules;
}

/** Types and what is written for people leave blanks: a line of an error is one of the source. */
function scriptOf(text: string): string {
  const stripped = stripTypeScriptTypes(text, { mode: "strip" });
  return stripped
    .replace(/^ *\/\*\*[^]*?\*\/$/gm, (comment) => comment.replace(/[^\n]/g, ""))
    .replace(/(\bfrom "\.\/[^"]+)\.ts"/g, '$1.js"')
    .replace(/[ \t]+$/gm, "");
}

function isBare(script: string): boolean {
  return script.trim() === "";
}
