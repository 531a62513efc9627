import { assert, assertEquals } from "@std/assert";
import { createHmac } from "node:crypto";
import { DEFAULT_WEARER } from "../../kv/keys.ts";
import type { NewMessage } from "../../messaging/outbox.ts";
import type { Environment } from "../../config.ts";
import { type TestForesight, withForesight } from "../_foresight.ts";
import { dumpKv } from "../kv/_temp_kv.ts";
import { type Receiver, startReceiver } from "../messaging/_channel_contract.ts";
import { ask, issueToken } from "./_wearers.ts";

const SIGNING_KEY = "a-webhook-key-that-only-tests-know";

/** Runs `use` with a receiver that is Poke and takes webhooks. */
async function withReceiver(
  use: (foresight: TestForesight, receiver: Receiver) => Promise<void>,
  settings: Environment = {},
): Promise<void> {
  const receiver = startReceiver();
  const all = {
    FORESIGHT_POKE_URL: receiver.url,
    FORESIGHT_POKE_API_KEY: "sk-house",
    WEBHOOK_SIGNING_KEYS: SIGNING_KEY,
    WEBHOOK_ALLOW_LOOPBACK: "on",
    ...settings,
  };
  try {
    await withForesight(all, (foresight) => use(foresight, receiver));
  } finally {
    await receiver.close();
  }
}

let added = 0;

/** Writes a message as a rule does, and waits until all is sent that can be. */
async function say(
  { kv, outbox }: TestForesight,
  message: Partial<NewMessage> = {},
): Promise<string> {
  const commit = kv.atomic();
  const at = added++;
  const whole = {
    wearer: DEFAULT_WEARER,
    channel: "poke",
    text: `message ${at}`,
    cause: { kind: "rule", id: "stove" },
    atMs: Date.UTC(2026, 0, 1) + at,
    name: `firing ${at}`,
    ...message,
  };
  const id = await outbox.enqueue(commit, whole);
  await commit.commit();
  outbox.wake(whole.wearer);
  await outbox.quiet();
  return id;
}

async function told(answer: Response | Promise<Response>) {
  const response = await answer;
  return { status: response.status, body: await response.json() };
}

Deno.test("outbox shows what was sent, by which way, and why [O6]", () =>
  withReceiver(async (foresight) => {
    const id = await say(foresight, { text: "The stove is on.", atMs: Date.UTC(2026, 0, 1) });
    const { status, body } = await told(foresight.fetch(`/outbox/${id}?zone=Europe/Berlin`));
    const { ended_at, ended_at_local, give_up_at, give_up_at_local, ...rest } = body;
    assertEquals([status, rest], [200, {
      id,
      state: "delivered",
      channel: "poke",
      to: null,
      text: "The stove is on.",
      cause: { kind: "rule", id: "stove" },
      created_at: "2026-01-01T00:00:00.000Z",
      created_at_local: "2026-01-01T01:00:00.000+01:00",
      due_at: null,
      due_at_local: null,
      attempts: 1,
      may_have_arrived: false,
      resent: false,
      reason: null,
      answer: '{"ok":true}',
    }]);
    for (const time of [ended_at, give_up_at]) assert(time.endsWith("Z"), time);
    for (const time of [ended_at_local, give_up_at_local]) assert(/\+0[12]:00$/.test(time), time);
  }));

Deno.test("outbox lists the newest first, a page at a time, and by state [O6]", () =>
  withReceiver(async (foresight, receiver) => {
    const ids: string[] = [];
    for (let at = 0; at < 5; at++) {
      receiver.behave({ kind: "answers", status: at % 2 === 0 ? 200 : 400 });
      ids.unshift(await say(foresight));
    }
    const pages: string[][] = [];
    for (let cursor = "";;) {
      const { body } = await told(foresight.fetch(`/outbox?limit=2&cursor=${cursor}`));
      pages.push(body.items.map(({ id }: { id: string }) => id));
      if (body.next_cursor === null) break;
      cursor = body.next_cursor;
    }
    assertEquals(pages, [ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)]);
    const listed = async (query: string) =>
      (await told(foresight.fetch(`/outbox?${query}`))).body.items
        .map(({ id }: { id: string }) => id);
    assertEquals(await listed("state=dead"), [ids[1], ids[3]]);
    assertEquals(await listed("state=delivered&order=oldest"), [ids[4], ids[2], ids[0]]);
    assertEquals(await listed("state=queued"), []);
    const { body } = await told(foresight.fetch("/outbox?limit=1&order=oldest"));
    const next = await told(
      foresight.fetch(`/outbox?limit=4&order=oldest&cursor=${body.next_cursor}`),
    );
    assertEquals(
      [body.items[0].id, ...next.body.items.map(({ id }: { id: string }) => id)],
      ids.toReversed(),
    );
  }));

Deno.test("outbox says what is wrong with a query, and with a body [O6, H2]", () =>
  withReceiver(async (foresight) => {
    const id = await say(foresight);
    const { body: { next_cursor } } = await told(foresight.fetch("/outbox?limit=1"));
    assertEquals(next_cursor, null);
    const cases = [
      ["/outbox?state=lost", "state must be one of queued, claimed, delivered"],
      ["/outbox?limit=0", "limit must be a whole number from 1 to 500"],
      ["/outbox?cursor=x", "cursor must be one that this very query"],
      ["/outbox?zone=Mars", "zone must be the IANA name"],
      [`/outbox/${id}?zone=Mars`, "zone must be the IANA name"],
    ] as const;
    for (const [path, detail] of cases) {
      const { status, body } = await told(foresight.fetch(path));
      assertEquals(status, 422);
      assert(body.detail.startsWith(detail), body.detail);
    }
    for (
      const [body, msg] of [
        ['{"even_if_arrived": "yes"}', "even_if_arrived must be true or false"],
        ["[]", "the body must be a JSON object"],
        ["nonsense", "the body must be a JSON object"],
      ]
    ) {
      const path = `/outbox/${id}/resend`;
      const answer = await told(foresight.fetch(path, { method: "POST", body: body! }));
      assertEquals(answer.status, 422);
      assert(answer.body.detail[0].msg.startsWith(msg), answer.body.detail[0].msg);
    }
    for (const unknown of ["019b76daa800-0", "x".repeat(3_000), "%00"]) {
      assertEquals((await told(foresight.fetch(`/outbox/${unknown}`))).status, 404);
      const path = `/outbox/${unknown}/resend`;
      assertEquals((await told(foresight.fetch(path, { method: "POST" }))).status, 404);
    }
  }));

Deno.test("outbox resends what is dead, and what may have arrived if that is said to be all right [O6]", () =>
  withReceiver(async (foresight, receiver) => {
    const { outbox } = foresight;
    const resend = (id: string, body?: unknown) =>
      told(foresight.fetch(`/outbox/${id}/resend`, {
        method: "POST",
        ...body === undefined ? {} : { body: JSON.stringify(body) },
      }));
    receiver.behave({ kind: "answers", status: 400 });
    const dead = await say(foresight);
    receiver.behave({ kind: "resets" });
    const uncertain = await say(foresight);
    receiver.behave({ kind: "answers", status: 200 });

    const again = await resend(dead);
    assertEquals([again.status, again.body.id, again.body.resent], [202, dead, true]);
    await outbox.quiet();
    assertEquals((await told(foresight.fetch(`/outbox/${dead}`))).body.state, "delivered");
    assertEquals(await resend(dead), {
      status: 409,
      body: { detail: "state must be dead or uncertain: current value is delivered" },
    });

    const shown = await told(foresight.fetch(`/outbox/${uncertain}`));
    assertEquals([shown.body.state, shown.body.may_have_arrived], ["uncertain", true]);
    for (const body of [undefined, {}, { even_if_arrived: false }]) {
      const refused = await resend(uncertain, body);
      assertEquals(refused.status, 409);
      assert(refused.body.detail.includes("even_if_arrived"), refused.body.detail);
    }
    assertEquals((await resend(uncertain, { even_if_arrived: true })).status, 202);
    await outbox.quiet();
    assertEquals((await told(foresight.fetch(`/outbox/${uncertain}`))).body.state, "delivered");
  }));

Deno.test("outbox is read with scope rules, and is each wearer's own [O6, A6]", () =>
  withReceiver(async (foresight) => {
    const ann = await issueToken(foresight, "ann", ["rules"]);
    const poking = await issueToken(foresight, "ann", ["poke", "read"]);
    const bob = await issueToken(foresight, "bob", ["rules"]);
    const id = await say(foresight, { wearer: "ann" });
    for (const path of ["/outbox", `/outbox/${id}`, "/webhooks/secret"]) {
      assertEquals((await ask(foresight, ann, "GET", path)).status, 200);
      const refused = await ask(foresight, poking, "GET", path);
      assertEquals(refused.status, 403);
      assert(String(refused.detail).includes("must include rules"));
    }
    assertEquals((await ask(foresight, poking, "POST", `/outbox/${id}/resend`)).status, 403);
    assertEquals((await ask(foresight, bob, "GET", `/outbox/${id}`)).status, 404);
    assertEquals((await ask(foresight, bob, "POST", `/outbox/${id}/resend`)).status, 404);
    assertEquals(JSON.parse((await ask(foresight, bob, "GET", "/outbox")).text).items, []);
  }));

Deno.test("outbox has what /poke/send sent, without its text, and nobody sends it again [O6, A4]", () =>
  withReceiver(async (foresight, receiver) => {
    const statuses: number[] = [];
    for (
      const behaviour of [
        { kind: "answers", status: 200 },
        { kind: "echoes", status: 503 },
        { kind: "resets" },
      ] as const
    ) {
      receiver.behave(behaviour);
      const { status, body } = await told(foresight.fetch("/poke/send", {
        method: "POST",
        headers: { "x-poke-api-key": "pk_guest-do-not-tell" },
        body: JSON.stringify({ message: "a private message" }),
      }));
      statuses.push(status);
      assert(!JSON.stringify(body).includes("do-not-tell"));
    }
    assertEquals(statuses, [200, 502, 502]);
    receiver.behave({ kind: "answers", status: 200 });
    await foresight.outbox.sweep();
    assertEquals(receiver.received.length, 3, "who waited was told");
    const { body: { items } } = await told(foresight.fetch("/outbox?order=oldest"));
    const shown = items.map((item: Record<string, unknown>) => item.state).sort();
    assertEquals(shown, ["dead", "delivered", "uncertain"]);
    for (const { id, state, text, attempts, cause, answer } of items) {
      assertEquals([text, attempts, cause.kind, answer], [null, 1, "poke_send", null]);
      const init = { method: "POST", body: '{"even_if_arrived": true}' };
      const resent = await told(foresight.fetch(`/outbox/${id}/resend`, init));
      const why = state === "delivered" ? "current value is delivered" : "was not kept";
      assertEquals([resent.status, resent.body.detail.includes(why)], [409, true]);
    }
    const stored = await dumpKv(foresight.kv);
    assert(!stored.includes("do-not-tell") && !stored.includes("a private message"), stored);
  }));

Deno.test("webhooks are signed with the secret that the wearer is told [O6]", () =>
  withReceiver(async (foresight, receiver) => {
    const secrets = [];
    for (const wearer of ["ann", "bob"]) {
      const token = await issueToken(foresight, wearer, ["rules"]);
      const { text } = await ask(foresight, token, "GET", "/webhooks/secret");
      secrets.push(...JSON.parse(text).secrets);
    }
    assertEquals(new Set(secrets).size, 2);
    await say(foresight, { wearer: "ann", channel: "webhook", to: receiver.url });
    const [{ headers, body }] = receiver.received as [Receiver["received"][0]];
    const [id, time] = [headers.get("webhook-id"), headers.get("webhook-timestamp")];
    const hmac = createHmac("sha256", Uint8Array.fromBase64(secrets[0].slice("whsec_".length)));
    const signature = hmac.update(`${id}.${time}.${body}`).digest("base64");
    assertEquals(headers.get("webhook-signature"), `v1,${signature}`);
    assert(!(await dumpKv(foresight.kv)).includes(secrets[0]));
  }));

Deno.test("webhooks have no secret where none is configured, and go nowhere on this machine [O6]", () =>
  withReceiver(async (foresight, receiver) => {
    const { status, body } = await told(foresight.fetch("/webhooks/secret"));
    assertEquals([status, body.detail.startsWith("WEBHOOK_SIGNING_KEYS must be set")], [501, true]);
    const id = await say(foresight, { channel: "webhook", to: receiver.url });
    const shown = await told(foresight.fetch(`/outbox/${id}`));
    assertEquals([shown.body.state, receiver.received.length], ["dead", 0]);
    assert(shown.body.reason.includes("https URL on the public internet"), shown.body.reason);
  }, { WEBHOOK_SIGNING_KEYS: "", WEBHOOK_ALLOW_LOOPBACK: "off" }));

Deno.test("outbox answers 503 while KV is away [O6]", async () => {
  const kv = await Deno.openKv(":memory:");
  kv.close();
  await withForesight({}, async ({ fetch }) => {
    for (const path of ["/outbox", "/outbox/x"]) {
      const response = await fetch(path);
      assertEquals([response.status, response.headers.get("retry-after")], [503, "1"]);
      await response.body?.cancel();
    }
    const resent = await fetch("/outbox/x/resend", { method: "POST" });
    assertEquals(resent.status, 503);
    await resent.body?.cancel();
  }, { kv });
});
