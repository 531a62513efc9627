/**
 * Binds positional and keyword arguments to parameters, with Python's rules and error texts.
 *
 * @module
 */
import type { LocalParameter } from "./classes.ts";

/** A Python exception: `name` is its class. */
export class PythonError extends Error {
  constructor(override readonly name: string, message: string) {
    super(message);
  }
}

/**
 * The value of each parameter by its name.
 *
 * @param qualifiedName as Python prints it, such as `Gemma3VLMSession.infer_chunk`
 * @throws {PythonError} `TypeError` where Python would
 */
export function bindArguments(
  qualifiedName: string,
  parameters: readonly (string | LocalParameter)[],
  positional: readonly unknown[],
  keyword: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const declared: LocalParameter[] = parameters.map((p) => typeof p === "string" ? { name: p } : p);
  const fail = (text: string): never => {
    throw new PythonError("TypeError", `${qualifiedName}() ${text}`);
  };
  if (positional.length > declared.length) fail(tooMany(declared, positional.length));

  const bound = new Map<string, unknown>();
  positional.forEach((value, i) => bound.set(declared[i]!.name, value));
  for (const [name, value] of Object.entries(keyword)) {
    if (!declared.some((parameter) => parameter.name === name)) {
      fail(`got an unexpected keyword argument '${name}'`);
    }
    if (bound.has(name)) fail(`got multiple values for argument '${name}'`);
    bound.set(name, value);
  }
  const missing: string[] = [];
  for (const parameter of declared) {
    if (bound.has(parameter.name)) continue;
    if ("default" in parameter) bound.set(parameter.name, parameter.default);
    else missing.push(parameter.name);
  }
  if (missing.length > 0) fail(missingText(missing));
  return Object.fromEntries(bound);
}

/** Python counts `self`, too. */
function tooMany(declared: readonly LocalParameter[], given: number): string {
  const most = declared.length + 1;
  const least = declared.filter((parameter) => !("default" in parameter)).length + 1;
  const takes = least === most ? `${most}` : `from ${least} to ${most}`;
  const noun = most === 1 ? "argument" : "arguments";
  return `takes ${takes} positional ${noun} but ${given + 1} were given`;
}

function missingText(names: readonly string[]): string {
  const quoted = names.map((name) => `'${name}'`);
  const last = quoted.pop();
  const list = quoted.length === 0
    ? last
    : `${quoted.join(", ")}${quoted.length > 1 ? "," : ""} and ${last}`;
  const noun = names.length === 1 ? "argument" : "arguments";
  return `missing ${names.length} required positional ${noun}: ${list}`;
}

/** What was thrown as Python's `repr` of an exception: `ValueError('no frames')`. */
export function exceptionRepr(thrown: unknown): string {
  if (!(thrown instanceof Error)) return `Exception(${stringRepr(String(thrown))})`;
  return `${thrown.name}(${stringRepr(thrown.message)})`;
}

/** The class and the text of an exception from its `repr`. */
export function readRepr(repr: string): { readonly name: string; readonly message: string } {
  const [, name, , text] = /^(\w+)\((["'])(.*)\2\)$/s.exec(repr) ?? [];
  if (name === undefined || text === undefined) return { name: "Exception", message: repr };
  const plain: Record<string, string> = { n: "\n", r: "\r", t: "\t" };
  return { name, message: text.replaceAll(/\\(.)/gs, (_, char) => plain[char] ?? char) };
}

function stringRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\r", "\\r")
    .replaceAll("\t", "\\t").replaceAll(quote, `\\${quote}`);
  return `${quote}${escaped}${quote}`;
}
