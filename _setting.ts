/**
 * The kinds of settings: how the text of an environment variable becomes a value.
 *
 * @module
 */
import { z } from "zod";

/** One environment variable. */
export interface Setting<T> {
  /** What it is for, as the README says it. */
  readonly about: string;
  /** The text that stands for it where it is unset. */
  readonly fallback: string;
  /** The value of a secret is never shown. */
  readonly secret: boolean;
  /** Reads the text; its one issue says what the text must be. */
  readonly schema: z.ZodType<T, string>;
}

/** Any text. */
export function text(about: string, fallback = "", secret = false): Setting<string> {
  return { about, fallback, secret, schema: z.string() };
}

/** Any text, never shown. */
export function secret(about: string): Setting<string> {
  return text(about, "", true);
}

/** Secrets to sign or seal with, the one in use first; never shown. */
export function secretKeys(about: string, minChars: number): Setting<readonly string[]> {
  const must = `must be texts of at least ${minChars} characters, separated by commas, none twice`;
  const schema = z.string()
    .transform((value) => value === "" ? [] : value.split(",").map((item) => item.trim()))
    .refine(
      (keys) => keys.every((key) => key.length >= minChars) && new Set(keys).size === keys.length,
      { error: must },
    );
  return { about, fallback: "", secret: true, schema };
}

/** A number from 0 to `max`, whole if `integer`. */
export function number(
  about: string,
  fallback: number,
  max: number,
  integer = false,
): Setting<number> {
  const must = `must be a ${integer ? "whole number" : "number"} from 0 to ${max}`;
  const schema = z.string().transform((value, context) => {
    const parsed = /^\d+(\.\d+)?$/.test(value) ? Number(value) : NaN;
    if (parsed <= max && (!integer || Number.isInteger(parsed))) return parsed;
    context.addIssue({ code: "custom", message: must });
    return z.NEVER;
  });
  return { about, fallback: String(fallback), secret: false, schema };
}

/** A whole number from 0 to `max`. */
export function count(about: string, fallback: number, max: number): Setting<number> {
  return number(about, fallback, max, true);
}

/** A whole number from 0 to `max`, or null where it is left to the process. */
export function optionalCount(about: string, max: number): Setting<number | null> {
  const { schema } = count(about, 0, max);
  // Not a union, which would not say what the number must be.
  const optional = z.string().transform((value, context) => {
    if (value === "") return null;
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    context.addIssue({ code: "custom", message: parsed.error.issues[0]!.message });
    return z.NEVER;
  });
  return { about, fallback: "", secret: false, schema: optional };
}

/** One of a few words. */
export function choice<const T extends readonly string[]>(
  about: string,
  options: T,
  fallback: T[number],
): Setting<T[number]> {
  const schema = z.enum(options, { error: `must be one of ${options.join(", ")}` });
  return { about, fallback, secret: false, schema: schema as z.ZodType<T[number], string> };
}

/** Some of a few words, in order. */
export function list<const T extends readonly string[]>(
  about: string,
  options: T,
  fallback: T[number],
): Setting<readonly T[number][]> {
  const must = `must be one or more of ${options.join(", ")}, separated by commas, none twice`;
  const schema = z.string().transform((value) => value.split(",").map((item) => item.trim()))
    .refine((items) => new Set(items).size === items.length, { error: must })
    .pipe(z.array(z.enum(options, { error: must })));
  return { about, fallback, secret: false, schema: schema as z.ZodType<T[number][], string> };
}

/** A URL that requests to others are put under, never in the clear beyond this machine; or nothing. */
export function endpoint(about: string): Setting<string> {
  const must = "must be an address that begins https:// (http:// on the loopback alone), without " +
    "user, query and fragment";
  const schema = z.string().refine((value) => value === "" || isEndpoint(value), { error: must });
  return { about, fallback: "", secret: false, schema };
}

function isEndpoint(value: string): boolean {
  const url = URL.parse(value);
  if (!url || url.username || url.password || /[?#]/.test(value)) return false;
  const isLoopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  return url.protocol === "https:" || url.protocol === "http:" && isLoopback;
}

/** Where addresses begin that are given out, without a slash at the end; empty: unset. */
export function base(about: string): Setting<string> {
  const must =
    "must be an address that begins https:// or http://, without user, query and fragment";
  const schema = z.string().refine((value) => value === "" || isBase(value), { error: must })
    .transform((value) => value.replace(/\/+$/, ""));
  return { about, fallback: "", secret: false, schema };
}

function isBase(value: string): boolean {
  const url = URL.parse(value);
  if (!url || url.username || url.password || /[?#]/.test(value)) return false;
  return url.protocol === "https:" || url.protocol === "http:";
}

/** A URL, or nothing. */
export function address(
  about: string,
  protocols: readonly string[],
  fallback = "",
): Setting<string> {
  const must = `must be an address that begins ${protocols.map((p) => `${p}//`).join(" or ")}`;
  const schema = z.string().refine(
    (value) => value === "" || protocols.includes(URL.parse(value)?.protocol ?? ""),
    { error: must },
  );
  return { about, fallback, secret: false, schema };
}
