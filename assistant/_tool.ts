/**
 * What a tool is made of. The protocol stays in `_server.ts`.
 *
 * @module
 */
import { z } from "zod";
import type { TokenScope } from "../kv/token_keys.ts";
import type { Means, Refused } from "./means.ts";

/** Longest piece of a client's own input that is quoted back. */
const MAX_QUOTED_CHARS = 60;

/** What an assistant hears: a short text to read, and the same as data. */
export interface Answered<Data> {
  readonly kind: "answered";
  readonly text: string;
  readonly data: Data;
}

/** What a call becomes. */
export type Answer<Data> = Answered<Data> | Refused;

/** Something that an assistant may do. */
export interface Tool<Input, Data> {
  readonly name: string;
  readonly title: string;
  /** Models decide by this whether to call it. */
  readonly description: string;
  /** One of them is needed. */
  readonly scopes: readonly TokenScope[];
  readonly input: z.ZodType<Input>;
  readonly output: z.ZodType<Data>;
  readonly annotations: {
    readonly readOnlyHint: boolean;
    readonly destructiveHint: boolean;
    readonly idempotentHint: boolean;
    readonly openWorldHint: boolean;
  };
  /** Rejects with KV's own error. */
  call(means: Means, input: Input): Promise<Answer<Data>>;
}

/** A tool whose input has not been looked at. */
export interface AnyTool extends Omit<Tool<unknown, unknown>, "input" | "output" | "call"> {
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly outputSchema: Readonly<Record<string, unknown>>;
  call(means: Means, given: unknown): Promise<Answer<unknown>>;
}

/** Only looks: nothing is changed, and asking twice changes nothing more. */
export const READS = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
} as const;

/** Makes a tool check what it is given. */
export function defineTool<Input, Data>(tool: Tool<Input, Data>): AnyTool {
  const { input, output, call, ...rest } = tool;
  return {
    ...rest,
    inputSchema: schemaOf(input, "input"),
    outputSchema: schemaOf(output, "output"),
    async call(means, given) {
      const present = withoutNulls(given);
      const parsed = input.safeParse(present);
      if (!parsed.success) {
        return { kind: "refused", detail: problemsOf(parsed.error.issues, present) };
      }
      return await call(means, parsed.data);
    },
  };
}

/** Without its dialect: clients of older revisions know but one, and ours is in both. */
function schemaOf(type: z.ZodType, io: "input" | "output"): Record<string, unknown> {
  const { $schema: _, ...schema } = z.toJSONSchema(type, { io });
  return schema;
}

/** Models write null for what they leave out. */
function withoutNulls(given: unknown): unknown {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return given ?? {};
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
}

/** A sentence for each field: what it must be and what it is. */
export function problemsOf(issues: readonly z.core.$ZodIssue[], given: unknown): string {
  const problems = issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.slice(0, 3).map((key) =>
        `${cut(key)} must not be given: no argument has that name`
      )
      : [
        `${issue.path.join(".") || "arguments"} ${issue.message}: current value is ${
          quote(issue.path.reduce(memberOf, given))
        }`,
      ]
  );
  return problems.join("; ");
}

function memberOf(value: unknown, key: PropertyKey): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

function quote(value: unknown): string {
  switch (typeof value) {
    case "undefined":
      return "missing";
    case "string":
      return value.length > MAX_QUOTED_CHARS
        ? `a text of ${value.length} characters`
        : JSON.stringify(value);
    case "object":
      return Array.isArray(value) ? "a list" : "an object";
    default:
      return String(value);
  }
}

function cut(text: string): string {
  return text.length > MAX_QUOTED_CHARS ? `${text.slice(0, MAX_QUOTED_CHARS)}…` : text;
}
