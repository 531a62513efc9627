import { assert, assertEquals, assertRejects } from "@std/assert";
import { wearerPrefix } from "../../kv/keys.ts";
import type { TokenScope } from "../../kv/token_keys.ts";
import { type TestForesight, withForesight } from "../_foresight.ts";
import { withAssistant } from "./_assistant.ts";
import { connectSession } from "./_session.ts";
import { seen } from "./_timeline.ts";
import { frame, withModal } from "./_vision.ts";
import { ask, bearing, type Issued, issueToken } from "./_wearers.ts";

/** Which tools a token with one scope may use. */
const TOOLS = {
  stream: ["pause_camera"],
  read: ["what_am_i_seeing", "search_sight", "timeline"],
  poke: [],
  rules: ["add_rule", "list_rules", "remove_rule"],
  admin: ["pause_camera"],
} as const satisfies Partial<Record<TokenScope, readonly string[]>>;
const SCOPES = Object.keys(TOOLS) as (keyof typeof TOOLS)[];

const PING = { jsonrpc: "2.0", id: 1, method: "ping" };

/** Asks without a client, for what the server answers before it is one. */
async function post({ url }: Pick<TestForesight, "url">, headers: Record<string, string>) {
  const response = await fetch(`${url}/mcp`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      ...headers,
    },
    body: JSON.stringify(PING),
  });
  return { status: response.status, text: await response.text() };
}

Deno.test("/mcp lists the tools that the scopes allow, and says of the others what they need [C2]", () =>
  withForesight({}, async (foresight) => {
    const all = new Set(Object.values(TOOLS).flat());
    for (const scope of SCOPES) {
      const token = await issueToken(foresight, "ann", [scope]);
      await withAssistant(foresight, token, async ({ client, call, toolNames }) => {
        const allowed: readonly string[] = TOOLS[scope];
        assertEquals((await toolNames()).sort(), [...allowed].sort(), scope);
        for (const name of all) {
          if (allowed.includes(name)) continue;
          const { isError, text } = await call(name, {});
          assert(isError, name);
          assert(/^The token's scopes must include [a-z ]+: current value is /.test(text), text);
          assert(text.endsWith(` ${scope}`), text);
        }
        const mayRead = scope === "read" ? 1 : 0;
        assertEquals((await client.listResources()).resources.length, mayRead, scope);
        const { resourceTemplates } = await client.listResourceTemplates();
        assertEquals(resourceTemplates.length, mayRead, scope);
        const uri = "foresight://timeline/today";
        if (mayRead) await client.readResource({ uri });
        else {
          const must = "The token's scopes must include read";
          await assertRejects(() => client.readResource({ uri }), Error, must);
        }
      });
    }
    await withAssistant(foresight, null, async ({ toolNames }) => {
      assertEquals((await toolNames()).sort(), [...all].sort(), "the magic word may do all");
    });
  }));

Deno.test("/mcp lets in nobody without the magic word or a good token, before any work [C2, A1, A3, A7]", () =>
  withForesight({}, async (foresight) => {
    assertEquals(await post(foresight, {}), { status: 403, text: "forbidden" });
    const wrongWord = await post(foresight, { "x-magic-word": "guess" });
    assertEquals(wrongWord, { status: 403, text: "forbidden" });
    const query = await fetch(`${foresight.url}/mcp?token=x`, { method: "POST", body: "{}" });
    assertEquals([query.status, await query.text()], [403, "forbidden"]);
    const ann = await issueToken(foresight, "ann", ["read", "admin"]);
    const forged = { token: `${ann.token.slice(0, -4)}AAAA` };
    assertEquals((await post(foresight, bearing(forged))).status, 403);
    await withAssistant(foresight, ann, async ({ call }) => {
      assertEquals((await call("timeline")).isError, false);
      const { status } = await ask(foresight, ann, "DELETE", `/wearers/ann/tokens/${ann.id}`);
      assertEquals(status, 204);
      await assertRejects(() => call("timeline"), Error, "must not be revoked");
    });
    await assertRejects(() => withAssistant(foresight, ann, () => Promise.resolve()), Error);
    assertEquals((await post(foresight, bearing(ann))).status, 403);
  }));

/** Streams one frame as the wearer, until it is described. */
async function see(foresight: TestForesight, token: Issued, first: number): Promise<void> {
  const options = { magicWord: "", headers: bearing(token) };
  const { glasses, heard } = await connectSession(foresight.url, {}, options);
  glasses.send(frame(first));
  await heard("result");
  await glasses.leave();
}

Deno.test("/mcp shows two wearers their own past each, whatever they ask with [C2, A6]", () =>
  withModal({}, async (foresight) => {
    const { kv, streams } = foresight;
    const ann = await issueToken(foresight, "ann", SCOPES);
    const bob = await issueToken(foresight, "bob", SCOPES);
    for (const first of [11, 12]) await see(foresight, ann, first);
    await see(foresight, bob, 22);
    await streams.drain();
    const dump = async (wearer: string) =>
      Deno.inspect(await Array.fromAsync(kv.list({ prefix: wearerPrefix(wearer) })), { depth: 9 });
    const before = await dump("ann");
    const today = "foresight://timeline/today";
    const own = { order: "oldest", limit: 1 };
    const cursor = await withAssistant(foresight, ann, async ({ call }) => {
      const { data } = await call("timeline", own);
      assertEquals(data.items[0].caption, "saw 11 after ");
      return data.next_cursor;
    });
    assert(cursor);
    await withAssistant(foresight, bob, async ({ client, call }) => {
      const foreign = await call("timeline", { ...own, cursor });
      assert(foreign.isError && foreign.text.startsWith("cursor must be one that"), foreign.text);
      const said = [
        await call("what_am_i_seeing"),
        await call("timeline", { order: "oldest" }),
        await call("search_sight", { query: "saw 11" }),
        await client.readResource({ uri: today }),
      ].map((answer) => JSON.stringify(answer));
      for (const answer of said) assert(!/saw 1[12]/.test(answer), answer);
      for (const answer of said.slice(0, 3)) assert(answer.includes("saw 22"), answer);
    });
    assertEquals(await dump("ann"), before);
  }));

Deno.test("/mcp: captions, questions and tokens are in no log [C4, A4]", () =>
  withForesight({}, async (foresight) => {
    await seen(foresight, ["SECRET-CUP on the table"], { wearer: "ann" });
    const ann = await issueToken(foresight, "ann", ["read"]);
    await withAssistant(foresight, ann, async ({ client, call }) => {
      const { data } = await call("search_sight", { query: "SECRET cup" });
      assertEquals(data.hits, [], "written without an index");
      await call("timeline");
      await call("timeline", { cursor: "SECRET-CURSOR" });
      await call("SECRET-TOOL").catch(() => {});
      await client.readResource({ uri: "foresight://SECRET" }).catch(() => {});
    });
    const logged = JSON.stringify(foresight.logged);
    assert(logged.includes("/mcp"));
    assert(!logged.includes("SECRET") && !logged.includes(ann.token), logged);
  }));
