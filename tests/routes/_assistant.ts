/**
 * An assistant for tests: the SDK's own client, over real HTTP.
 *
 * @module
 */
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { MAGIC_WORD, type TestForesight } from "../_foresight.ts";
import { bearing, type Issued } from "./_wearers.ts";

/** The ways in which clients begin: `initialize`, or each request by itself. */
export const ERAS = ["legacy", { pin: "2026-07-28" }] as const;

/** What a tool answers. */
export interface ToolResult {
  readonly isError: boolean;
  readonly text: string;
  // deno-lint-ignore no-explicit-any
  readonly data: any;
}

/** One assistant, connected. */
export interface Assistant {
  readonly client: Client;
  /** Calls a tool. What it answers is checked against the schema that it was listed with. */
  call(name: string, args?: Record<string, unknown>): Promise<ToolResult>;
  toolNames(): Promise<string[]>;
}

/** Runs `use` with an assistant that brings this token; without one, the magic word. */
export async function withAssistant<T>(
  { url }: Pick<TestForesight, "url">,
  token: Pick<Issued, "token"> | null,
  use: (assistant: Assistant) => Promise<T>,
  mode: typeof ERAS[number] = "legacy",
): Promise<T> {
  const headers = token ? bearing(token) : { "x-magic-word": MAGIC_WORD };
  const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), {
    requestInit: { headers },
  });
  const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode } });
  await client.connect(transport);
  // The client checks answers against what was listed.
  const { tools } = await client.listTools();
  try {
    return await use({
      client,
      toolNames: () => Promise.resolve(tools.map(({ name }) => name)),
      async call(name, args) {
        const result = await client.callTool({ name, ...args && { arguments: args } });
        const [content] = result.content;
        return {
          isError: result.isError ?? false,
          text: content?.type === "text" ? content.text : "",
          data: result.structuredContent,
        };
      },
    });
  } finally {
    await client.close();
  }
}
