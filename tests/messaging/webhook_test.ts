import { assert, assertEquals } from "@std/assert";
import { createHmac } from "node:crypto";
import type { DeliveryOutcome } from "../../messaging/channel.ts";
import { mayConnectTo, reachableUrl } from "../../messaging/_webhook_reach.ts";
import { createWebhookChannel, type WebhookChannelOptions } from "../../messaging/webhook.ts";
import { signatureOf, webhookSecretOf } from "../../messaging/webhook_signature.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { CA_CERT, CERT, KEY } from "./_certificate.ts";
import { startReceiver } from "./_channel_contract.ts";

const SIGNING_KEY = "a-signing-key-that-only-tests-know";
const MESSAGE = {
  id: "m1",
  wearer: "ann",
  text: "The stove is on.",
  createdAtMs: 1_767_225_600_000,
};

function sendTo(
  to: string,
  options: Partial<WebhookChannelOptions> = {},
  message = MESSAGE,
): Promise<DeliveryOutcome> {
  const channel = createWebhookChannel({
    signingKeys: [SIGNING_KEY],
    allowsLoopback: false,
    ...options,
  });
  return channel.deliver({ ...message, to });
}

Deno.test("signatureOf signs as Standard Webhooks says, by its own example [O6]", async () => {
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
  const signed = { id, timestampS: 1_614_265_330, body: '{"test": 2432232314}' };
  const signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
  assertEquals(await signatureOf([secret], signed), signature);
  const both = await signatureOf([secret, secret], signed);
  assertEquals(both, `${signature} ${signature}`);
});

Deno.test("webhookSecretOf gives each wearer and key a secret of its own [O6]", async () => {
  const secrets = await Promise.all([
    webhookSecretOf("key one", "ann"),
    webhookSecretOf("key one", "bob"),
    webhookSecretOf("key two", "ann"),
  ]);
  assertEquals(new Set(secrets).size, 3);
  assertEquals(secrets[0], await webhookSecretOf("key one", "ann"));
  for (const secret of secrets) {
    assertEquals(Uint8Array.fromBase64(secret.replace("whsec_", "")).length, 32);
  }
});

Deno.test("WebhookChannel signs id, time and body with each key of the wearer's [O6]", async () => {
  const receiver = startReceiver();
  const clock = createFakeClock(1_800_000_000_500);
  const signingKeys = ["the-new-key", "the-old-key"];
  try {
    await sendTo(receiver.url, { allowsLoopback: true, clock, signingKeys });
  } finally {
    await receiver.close();
  }
  const [{ headers, body }] = receiver.received as [typeof receiver.received[0]];
  const timestamp = headers.get("webhook-timestamp");
  assertEquals([headers.get("webhook-id"), timestamp], ["m1", "1800000000"]);
  const expected = await Promise.all(signingKeys.map(async (key) => {
    const secret = await webhookSecretOf(key, "ann");
    const hmac = createHmac("sha256", Uint8Array.fromBase64(secret.replace("whsec_", "")));
    return `v1,${hmac.update(`m1.${timestamp}.${body}`).digest("base64")}`;
  }));
  assertEquals(headers.get("webhook-signature"), expected.join(" "));
  assertEquals(headers.get("content-type"), "application/json");
  assertEquals(JSON.parse(body), {
    type: "message",
    timestamp: "2026-01-01T00:00:00.000Z",
    data: { text: "The stove is on." },
  });
});

Deno.test("WebhookChannel sends nothing without a key to sign with [O6]", async () => {
  const receiver = startReceiver();
  try {
    const outcome = await sendTo(receiver.url, { allowsLoopback: true, signingKeys: [] });
    assert(outcome.kind === "failed" && !outcome.retryable);
    assert(outcome.cause.startsWith("WEBHOOK_SIGNING_KEYS must be set"));
    assertEquals(receiver.received, []);
  } finally {
    await receiver.close();
  }
});

/** Not to be reached, whoever asks. */
const PRIVATE = [
  "0.0.0.0",
  "10.0.0.1",
  "100.64.0.1",
  "127.0.0.1",
  "127.255.255.255",
  "169.254.169.254",
  "172.16.0.1",
  "172.31.255.255",
  "192.0.0.8",
  "192.168.1.1",
  "198.18.0.1",
  "224.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "::ffff:127.0.0.1",
  "::ffff:10.0.0.1",
  "::ffff:8.8.8.8",
  "::7f00:1",
  "64:ff9b::a00:1",
  "100::1",
  "2001::1",
  "2001:db8::1",
  "2002:7f00:1::",
  "fc00::1",
  "fd00:ec2::254",
  "fe80::1",
  "fe80::1%eth0",
  "fec0::1",
  "ff02::1",
  "not an address",
  "",
];
const PUBLIC = ["8.8.8.8", "172.15.0.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00::1"];

Deno.test("mayConnectTo knows what is anybody's from what is private, local or reserved [O6]", () => {
  for (const address of PRIVATE) assert(!mayConnectTo(address, false), address);
  for (const address of PUBLIC) assert(mayConnectTo(address, false), address);
  for (const address of ["127.0.0.1", "127.8.8.8", "::1"]) assert(mayConnectTo(address, true));
  for (const address of ["10.0.0.1", "169.254.169.254", "0.0.0.0", "fd00::1"]) {
    assert(!mayConnectTo(address, true), address);
  }
});

Deno.test("reachableUrl takes https:// to what may be public, and nothing else [O6]", () => {
  const fit = [
    "https://hooks.example.com/in?a=1",
    "https://hooks.example.com:8443/",
    "https://8.8.8.8/",
    "https://[2606:4700::1111]/",
  ];
  const unfit = [
    "http://hooks.example.com/",
    "ftp://hooks.example.com/",
    "hooks.example.com",
    "",
    "https://",
    "https://ann:secret@hooks.example.com/",
    "https://ann@hooks.example.com/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://①②⑦.⓪.⓪.①/",
    "https://[::1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://169.254.169.254/latest/meta-data/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://10.1.2.3/",
    `https://hooks.example.com/${"x".repeat(2048)}`,
  ];
  for (const address of fit) assertEquals(reachableUrl(address, false)?.href, address);
  for (const address of unfit) {
    assertEquals(reachableUrl(address, false), null, address);
  }
  const local = ["http://127.0.0.1:8/", "http://localhost/", "http://[::1]/", "https://localhost/"];
  for (const address of local) {
    assertEquals(reachableUrl(address, true)?.href, address);
    assertEquals(reachableUrl(address, false), null, address);
  }
  assertEquals(reachableUrl("http://10.0.0.1/", true), null);
});

Deno.test("WebhookChannel does not connect where a name leads into a private network [O6]", async () => {
  const receiver = startReceiver();
  const { port } = new URL(receiver.url);
  try {
    const lookups = [
      ["127.0.0.1"],
      ["10.0.0.1"],
      ["169.254.169.254"],
      ["8.8.8.8", "127.0.0.1"],
      ["::ffff:127.0.0.1"],
    ];
    for (const found of lookups) {
      const resolve = () => Promise.resolve(found);
      const outcome = await sendTo(`https://hooks.example.com:${port}/`, { resolve });
      assert(outcome.kind === "failed" && !outcome.retryable, JSON.stringify(outcome));
      const fault = "its name leads into a private network";
      assertEquals(outcome.cause, `The webhook could not be reached: ${fault}`);
    }
    const byNumber = await sendTo(`https://127.0.0.1:${port}/`);
    assert(byNumber.kind === "failed" && !byNumber.retryable);
    assertEquals(receiver.received, []);
  } finally {
    await receiver.close();
  }
});

Deno.test("WebhookChannel connects to what was checked, and asks for no name twice [O6]", async () => {
  await withTls(async (port, received) => {
    // A name that leads elsewhere from the second look on.
    const asked: string[] = [];
    const resolve = (name: string) => {
      asked.push(name);
      return Promise.resolve(asked.length === 1 ? ["127.0.0.1"] : ["169.254.169.254"]);
    };
    const options = { resolve, allowsLoopback: true, caCerts: [CA_CERT] };
    const outcome = await sendTo(`https://hooks.example.com:${port}/in?a=1`, options);
    assertEquals(outcome, { kind: "delivered", answer: { ok: true } });
    assertEquals(asked, ["hooks.example.com"]);
    assertEquals(received, [`https://hooks.example.com:${port}/in?a=1`]);
  });
});

Deno.test("WebhookChannel wants the certificate of the name, though it connects to a number [O6]", async () => {
  await withTls(async (port, received) => {
    const resolve = () => Promise.resolve(["127.0.0.1"]);
    const common = { resolve, allowsLoopback: true };
    const another = await sendTo(`https://other.example.com:${port}/`, {
      ...common,
      caCerts: [CA_CERT],
    });
    const untrusted = await sendTo(`https://hooks.example.com:${port}/`, common);
    for (const outcome of [another, untrusted]) {
      assert(outcome.kind === "failed" && outcome.retryable, JSON.stringify(outcome));
      assert(outcome.cause.endsWith("no secure connection could be made"), outcome.cause);
    }
    assertEquals(received, []);
  });
});

Deno.test("WebhookChannel certainly fails where time runs out before it is connected [O4]", async () => {
  const clock = createFakeClock();
  const { promise, resolve: found } = Promise.withResolvers<string[]>();
  const sent = sendTo("https://hooks.example.com/", { clock, resolve: () => promise });
  const outcome = await clock.tickUntil(sent, 1_000);
  found([]);
  assert(outcome.kind === "failed" && outcome.retryable, JSON.stringify(outcome));
  assert(outcome.cause.endsWith("no connection within 10 s"), outcome.cause);
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("WebhookChannel certainly fails where TLS hangs, and leaves no connection behind [O4]", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  const to = `https://hooks.example.com:${listener.addr.port}/`;
  const resolve = () => Promise.resolve(["127.0.0.1"]);
  const outcome = await sendTo(to, { resolve, allowsLoopback: true, timeoutMs: 150 });
  assert(outcome.kind === "failed" && outcome.retryable, JSON.stringify(outcome));
  (await accepted).close();
  listener.close();
});

Deno.test("WebhookChannel finds a name that is not there, and tries again later [O3]", async () => {
  const resolve = () => Promise.reject(new Error("getaddrinfo ENOTFOUND hooks.example.com"));
  const outcome = await sendTo("https://hooks.example.com/", { resolve });
  const cause = "The webhook could not be reached: its host name was not found";
  assertEquals(outcome, { kind: "failed", cause, retryable: true });
});

/** Runs `use` with a server that is `hooks.example.com` by its certificate. */
async function withTls(use: (port: number, received: string[]) => Promise<void>): Promise<void> {
  const received: string[] = [];
  const options = { hostname: "127.0.0.1", port: 0, cert: CERT, key: KEY, onListen() {} };
  const server = Deno.serve(options, async ({ url, body }) => {
    await body?.cancel();
    received.push(url);
    return Response.json({ ok: true });
  });
  try {
    await use(server.addr.port, received);
  } finally {
    await server.shutdown();
  }
}
