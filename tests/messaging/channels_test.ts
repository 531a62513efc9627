import { assertEquals, assertThrows } from "@std/assert";
import { createFallback } from "../../messaging/chain.ts";
import { type DeliveryOutcome, withKey } from "../../messaging/channel.ts";
import { createChannels } from "../../messaging/channels.ts";
import { createLogChannel } from "../../messaging/log_channel.ts";
import { createLogger } from "../../log.ts";
import { createPokeChannel, POKE_V1_URL, POKE_V2_URL } from "../../messaging/poke.ts";
import { createWebhookChannel } from "../../messaging/webhook.ts";
import { type ChannelHarness, type MakeHarness, testChannel } from "./_channel_contract.ts";
import { DELIVERED, everyonesKey, LOST, REFUSED, scriptedChannel, UNFIT } from "./_outbox.ts";

/** Poke's own addresses, all of them led to the receiver. */
function pokeHarness(key: string, expectedUrl: string): MakeHarness {
  return (url, timeoutMs): ChannelHarness => {
    const toReceiver: typeof fetch = (input, init) => {
      assertEquals(String(input), expectedUrl);
      return fetch(url, init);
    };
    const poke = createPokeChannel({ fetch: toReceiver, timeoutMs });
    return {
      channel: withKey(poke, everyonesKey(key)),
      secret: key,
      to: null,
      textIn: ({ body }) => JSON.parse(body).message,
      keyIn: () => null,
    };
  };
}

const SIGNING_KEY = "a-signing-key-that-only-tests-know";

const webhookHarness: MakeHarness = (url, timeoutMs) => ({
  channel: createWebhookChannel({ signingKeys: [SIGNING_KEY], allowsLoopback: true, timeoutMs }),
  secret: SIGNING_KEY,
  to: url,
  textIn: ({ body }) => JSON.parse(body).data.text,
  keyIn: ({ headers }) => headers.get("webhook-id"),
});

testChannel("Poke V1", pokeHarness("pk_secret/1+1", POKE_V1_URL));
testChannel("Poke V2", pokeHarness("v2-secret/1+1", POKE_V2_URL));
testChannel("Webhook", webhookHarness);
testChannel("Fallback", (url, timeoutMs) => {
  const webhook = webhookHarness(url, timeoutMs);
  return { ...webhook, channel: createFallback([webhook.channel]) };
});

const MESSAGE = { id: "m1", wearer: "ann", text: "private", to: null, createdAtMs: 0 };

Deno.test("Fallback tries the next after a certain failure only [O6]", async () => {
  const cases: [DeliveryOutcome[], DeliveryOutcome, number][] = [
    [[DELIVERED, DELIVERED], DELIVERED, 1],
    [[UNFIT, DELIVERED], DELIVERED, 2],
    [[REFUSED, LOST], LOST, 2],
    [[LOST, DELIVERED], LOST, 1],
    [[UNFIT, UNFIT], { ...UNFIT, cause: "410; 410" }, 2],
    [[{ ...REFUSED, retryAfterMs: 9 }, UNFIT], {
      ...REFUSED,
      cause: "503; 410",
      retryAfterMs: 9,
    }, 2],
    [[{ ...REFUSED, retryAfterMs: 9 }, REFUSED], { ...REFUSED, cause: "503; 503" }, 2],
  ];
  for (const [outcomes, expected, tried] of cases) {
    const members = outcomes.map((outcome) => {
      const member = scriptedChannel(true);
      member.outcomes = [outcome];
      return member;
    });
    assertEquals(await createFallback(members).deliver(MESSAGE), expected);
    assertEquals(members.reduce((sum, { sent }) => sum + sent.length, 0), tried);
  }
});

Deno.test("Fallback takes repeats for one only if all its members do [O4]", () => {
  const [folds, not] = [scriptedChannel(true), scriptedChannel(false)];
  assertEquals(createFallback([folds, folds]).isIdempotent, true);
  assertEquals(createFallback([folds, not]).isIdempotent, false);
  assertThrows(() => createFallback([]), RangeError);
});

Deno.test("createChannels finds channels and makes fallbacks of them [O6]", async () => {
  const [a, b] = [scriptedChannel(true), scriptedChannel(false)];
  a.outcomes = [UNFIT];
  const channels = createChannels({ a, b });
  assertEquals(channels.names, ["a", "b"]);
  assertEquals(channels.named("a"), a);
  assertEquals(await channels.named("a,b")!.deliver(MESSAGE), DELIVERED);
  for (const name of ["", "c", "a,", "a,c", "a,a", "a,b,a,b", "toString", "__proto__"]) {
    assertEquals(channels.named(name), null, name);
  }
});

Deno.test("Log writes a line with the id, and the text only where it was asked for [A4, O6]", async () => {
  for (const showsText of [false, true]) {
    const lines: string[] = [];
    const log = createLogger("info", (line) => void lines.push(line));
    const channel = createLogChannel({ log, showsText });
    assertEquals(await channel.deliver(MESSAGE), { kind: "delivered", answer: null });
    const { event, id, chars, text } = JSON.parse(lines[0]!);
    const shown = showsText ? "private" : undefined;
    assertEquals([lines.length, event, id, chars, text], [1, "message", "m1", 7, shown]);
  }
});

Deno.test("withKey fails for certain where there is no key, and may try again where none can be read [O3]", async () => {
  for (const [kind, retryable] of [["missing", false], ["unavailable", true]] as const) {
    const sent: unknown[] = [];
    const keyed = {
      isIdempotent: false,
      deliver(...args: unknown[]) {
        sent.push(args);
        return Promise.resolve(DELIVERED);
      },
    };
    const channel = withKey(keyed, () => Promise.resolve({ kind, cause: "why not" }));
    assertEquals(await channel.deliver(MESSAGE), { kind: "failed", cause: "why not", retryable });
    assertEquals(sent, []);
  }
});
