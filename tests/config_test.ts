import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { coach } from "../inference/profiles/coach.ts";
import { narrate } from "../inference/profiles/narrate.ts";
import { type Config, type Environment, parseConfig } from "../config.ts";
import { SETTINGS } from "../settings.ts";

function valid(environment: Environment): Config {
  const outcome = parseConfig(environment);
  if (outcome.kind === "invalid") throw new Error(outcome.problems.join("\n"));
  return outcome.config;
}

function problems(environment: Environment): readonly string[] {
  const outcome = parseConfig(environment);
  return outcome.kind === "invalid" ? outcome.problems : [];
}

Deno.test("parseConfig gives the documented defaults for an empty environment", () => {
  const config = valid({});
  assertEquals([config.port, config.host, config.magicWord], [8000, "0.0.0.0", null]);
  assertEquals(config.kv, { kind: "platform" });
  assertEquals(config.modal, {
    transport: "fetch",
    serverUrl: "https://api.modal.com:443",
    environment: "main",
    tokenId: "",
    tokenSecret: "",
    appName: "foresight-gemma3-vlm",
    className: "Gemma3VLMSession",
  });
  assertEquals(config.modalEndpoint, { url: "", proxyTokenId: "", proxyTokenSecret: "" });
  assertEquals(config.vision, {
    chunkMs: 1000,
    maxBufferFrames: 120,
    maxFramesPerChunk: 6,
    maxInflight: 1,
    maxFrameBytes: 2_097_152,
    maxFps: 60,
    resultFlushMs: 500,
    drainMs: 10_000,
    stallMs: 4_000,
    resumeMs: 1_800_000,
    skipSimilar: false,
    heartbeatMs: 10_000,
    prompt: narrate.prompt,
  });
  assertEquals(config.inference, {
    models: ["modal"],
    redacts: true,
    maxConcurrent: 64,
    timeoutMs: 60_000,
  });
  assertEquals(config.budgets, {
    callsPerMinute: 120,
    callsPerDay: 50_000,
    gpuSecondsPerDay: 0,
    streams: 4,
  });
  assertEquals(config.socketTransport, "ws");
  assertEquals(config.capacity, { maxStreams: 0, maxMemoryBytes: 0 });
  assertEquals(config.rateLimits, { streamsPerMinute: 60, pokePerHour: 30 });
});

Deno.test("parseConfig prefers MODAL_ names to FORESIGHT_MODAL_ names [V10]", () => {
  const { modal } = valid({
    MODAL_TOKEN_ID: " ak-1 ",
    FORESIGHT_MODAL_TOKEN_ID: "ak-2",
    MODAL_TOKEN_SECRET: "  ",
    FORESIGHT_MODAL_TOKEN_SECRET: "as-2",
    FORESIGHT_MODAL_APP_NAME: "app-2",
    MODAL_ENVIRONMENT: "dev",
  });
  assertEquals([modal.tokenId, modal.tokenSecret, modal.appName, modal.environment], [
    "ak-1",
    "as-2",
    "app-2",
    "dev",
  ]);
});

Deno.test("parseConfig says which variable, what it must be and what it is", () => {
  assertEquals(problems({ PORT: "70000", VISION_MAX_FPS: "fast", MODAL_TRANSPORT: "pigeon" }), [
    'Cannot use PORT as it must be a whole number from 0 to 65535: current value is "70000"',
    'Cannot use MODAL_TRANSPORT as it must be one of fetch, grpc, http: current value is "pigeon"',
    'Cannot use VISION_MAX_FPS as it must be a number from 0 to 1000000: current value is "fast"',
  ]);
  assertEquals(problems({ FORESIGHT_POKE_URL: "poke.com" }), [
    "Cannot use FORESIGHT_POKE_URL as it must be an address that begins https:// or http://: " +
    'current value is "poke.com"',
  ]);
  assertEquals(problems({ KV_URL: "ftp://me:hush@host/x" }), [
    "Cannot use KV_URL as it must be an address that begins https:// or http://: " +
    'current value is "ftp://[redacted]@host/x"',
  ]);
  assertEquals(problems({ KV_PATH: "a.sqlite", KV_URL: "https://kv" }), [
    "Cannot use KV_URL as it must be unset beside KV_PATH: current value is set",
  ]);
});

Deno.test("parseConfig takes the prompt of a profile, or one in words of your own", () => {
  assertEquals(valid({ VISION_PROFILE: "coach" }).vision.prompt, coach.prompt);
  assertEquals(valid({ VISION_PROFILE: "coach", VISION_PROMPT: "Look." }).vision.prompt, "Look.");
  assertStringIncludes(problems({ VISION_PROFILE: "poet" }).join(), "one of narrate, low-vision");
});

Deno.test("parseConfig takes models in order, and asks for what they need", () => {
  const openai = { OPENAI_BASE_URL: "http://127.0.0.1:8000/v1", OPENAI_MODEL: "eyes" };
  assertEquals(valid({ INFERENCE: "openai, modal", ...openai }).inference.models, [
    "openai",
    "modal",
  ]);
  assertEquals(problems({ INFERENCE: "openai", OPENAI_MODEL: "eyes" }), [
    "Cannot use OPENAI_BASE_URL as it must be set where INFERENCE has openai: it is unset",
  ]);
  for (const INFERENCE of ["gemma", "modal,modal", "modal,,openai"]) {
    assertEquals(problems({ INFERENCE, ...openai }), [
      "Cannot use INFERENCE as it must be one or more of modal, openai, separated by commas, " +
      `none twice: current value is ${JSON.stringify(INFERENCE)}`,
    ]);
  }
});

Deno.test("parseConfig takes an HTTPS endpoint, and one in the clear on this machine alone [M5]", () => {
  const endpoint = (MODAL_ENDPOINT_URL: string) => ({
    MODAL_TRANSPORT: "http",
    MODAL_ENDPOINT_URL,
  });
  for (
    const url of [
      "https://me--eyes.modal.run",
      "https://host:8443/a/b/",
      "http://localhost:8000",
      "http://127.0.0.1:8000/app/Eyes",
      "http://[::1]:8000",
    ]
  ) assertEquals(valid(endpoint(url)).modalEndpoint.url, url);
  for (
    const url of [
      "http://me--eyes.modal.run",
      "http://127.0.0.1.evil.example",
      "http://localhost.evil.example",
      "https://me:hush@host",
      "https://host/?key=1",
      "https://host/#a",
      "ftp://localhost",
      "host",
    ]
  ) {
    const [problem = "", ...others] = problems(endpoint(url));
    assertEquals(others, []);
    assertStringIncludes(problem, "Cannot use MODAL_ENDPOINT_URL as it must be an address that");
    assert(!problem.includes("hush"), problem);
  }
});

Deno.test("parseConfig asks for the endpoint's address, and for no half of a token [M5]", () => {
  assertEquals(problems({ MODAL_TRANSPORT: "http" }), [
    "Cannot use MODAL_ENDPOINT_URL as it must be set where MODAL_TRANSPORT is http: it is unset",
  ]);
  assertEquals(problems({ MODAL_PROXY_TOKEN_ID: "wk-hush" }), [
    "Cannot use MODAL_PROXY_TOKEN_SECRET as it must be set beside MODAL_PROXY_TOKEN_ID: it is unset",
  ]);
  assertEquals(problems({ MODAL_PROXY_TOKEN_SECRET: "ws-hush" }), [
    "Cannot use MODAL_PROXY_TOKEN_ID as it must be set beside MODAL_PROXY_TOKEN_SECRET: it is unset",
  ]);
  const token = { MODAL_PROXY_TOKEN_ID: "wk-1", MODAL_PROXY_TOKEN_SECRET: "ws-1" };
  assertEquals(valid(token).modalEndpoint, {
    url: "",
    proxyTokenId: "wk-1",
    proxyTokenSecret: "ws-1",
  });
});

Deno.test("parseConfig knows Deno Deploy, and bounds the memory there", () => {
  const there = (settings: Environment) => {
    const { socketTransport, capacity } = valid({ DENO_DEPLOYMENT_ID: "d1", ...settings });
    return [socketTransport, capacity.maxMemoryBytes / 1024 / 1024];
  };
  assertEquals(there({}), ["native", 384]);
  assertEquals(there({ SOCKET_TRANSPORT: "ws", MAX_MEMORY_MIB: "0" }), ["ws", 0]);
  assertEquals(there({ SOCKET_TRANSPORT: "native", MAX_MEMORY_MIB: "700" }), ["native", 700]);
  assertEquals(valid({ SOCKET_TRANSPORT: "native" }).socketTransport, "native");
  assertEquals(problems({ MAX_MEMORY_MIB: "much", SOCKET_TRANSPORT: "tcp" }), [
    'Cannot use SOCKET_TRANSPORT as it must be one of auto, ws, native: current value is "tcp"',
    'Cannot use MAX_MEMORY_MIB as it must be a whole number from 0 to 1000000: current value is "much"',
  ]);
});

Deno.test("parseConfig takes seconds with a fraction, and 0 for off", () => {
  const { vision } = valid({ VISION_CHUNK_SECONDS: "0.25", VISION_MAX_FPS: "0" });
  assertEquals([vision.chunkMs, vision.maxFps], [250, 0]);
});

Deno.test("parseConfig takes on and off for skipping frames [S2]", () => {
  const { vision } = valid({ VISION_SKIP_SIMILAR: "on", VISION_HEARTBEAT_SECONDS: "2.5" });
  assertEquals([vision.skipSimilar, vision.heartbeatMs], [true, 2500]);
  assertEquals(problems({ VISION_SKIP_SIMILAR: "yes" }), [
    'Cannot use VISION_SKIP_SIMILAR as it must be one of on, off: current value is "yes"',
  ]);
});

Deno.test("parseConfig takes keys that sign tokens or seal secrets, in order, and none that can be guessed [A9, A16, A4]", () => {
  const keys = ["k".repeat(32), "another-key+of/at=least 32 characters"];
  assertEquals([valid({}).tokenSigningKeys, valid({}).secretSealingKeys], [[], []]);
  assertEquals(valid({ TOKEN_SIGNING_KEYS: keys.join(" , ") }).tokenSigningKeys, keys);
  assertEquals(valid({ SECRET_SEALING_KEYS: keys.join(" , ") }).secretSealingKeys, keys);
  for (const given of ["k".repeat(31), `${keys[0]},${keys[0]}`, `${keys[0]},`, `,${keys[1]}`]) {
    assertEquals(problems({ TOKEN_SIGNING_KEYS: given }), [
      "Cannot use TOKEN_SIGNING_KEYS as it must be texts of at least 32 characters, separated by " +
      "commas, none twice: current value is hidden, as it is a secret",
    ]);
    const [problem] = problems({ SECRET_SEALING_KEYS: given });
    assertStringIncludes(problem!, "SECRET_SEALING_KEYS as it must be texts of at least 32 ");
    assert(!problem!.includes(given), problem);
  }
});

Deno.test("parseConfig takes where links begin, without a slash at the end [A15]", () => {
  assertEquals(valid({}).publicUrl, null);
  assertEquals(valid({ PUBLIC_URL: "https://eyes.example" }).publicUrl, "https://eyes.example");
  assertEquals(
    valid({ PUBLIC_URL: "http://10.0.0.7:8000/eyes//" }).publicUrl,
    "http://10.0.0.7:8000/eyes",
  );
  const wrong = [
    "eyes.example",
    "wss://eyes.example",
    "https://a:b@c/",
    "https://c/?x",
    "https://c/#",
  ];
  for (const given of wrong) {
    const [problem] = problems({ PUBLIC_URL: given });
    assertStringIncludes(problem!, "Cannot use PUBLIC_URL as it must be an address that begins");
  }
});

Deno.test("parseConfig never shows a secret and never throws, whatever it is given [A4]", () => {
  const names = Object.keys(SETTINGS) as (keyof typeof SETTINGS)[];
  const isSecret = (name: keyof typeof SETTINGS) => SETTINGS[name].secret;
  const value = fc.oneof(fc.string(), fc.constantFrom("0", "-1", "1e9", "NaN", "0x10", "٣"));
  const environment = fc.tuple(
    fc.dictionary(fc.constantFrom(...names.filter((name) => !isSecret(name))), value),
    fc.dictionary(fc.constantFrom(...names.filter(isSecret)), value.map((text) => `hush${text}`)),
  );
  fc.assert(fc.property(environment, ([open, secret]) => {
    const shown = Object.values(open).some((text) => text.includes("hush"));
    const told = problems({ ...open, ...secret }).join("\n");
    assert(shown || !told.includes("hush"), told);
  }));
});

Deno.test("the README lists every setting with its default", async () => {
  const readme = await Deno.readTextFile(new URL("../README.md", import.meta.url));
  for (const [name, { about, fallback }] of Object.entries(SETTINGS)) {
    const row = `| \`${name}\` | ${fallback && `\`${fallback}\``} | ${about} |`;
    assertStringIncludes(readme.replaceAll(/ +/g, " "), row.replaceAll(/ +/g, " "));
  }
});

Deno.test("each task that starts the app may read every setting, and little else", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("../deno.json", import.meta.url)));
  for (const task of ["start", "dev"]) {
    const [, list] = /--allow-env=(\S+)/.exec(tasks[task])!;
    const allowed = list!.split(",");
    const missing = Object.keys(SETTINGS).filter((name) => !allowed.includes(name));
    assertEquals(missing, [], `deno task ${task}`);
    assert(!/(^|\s)(-A|--allow-all)(\s|$)/.test(tasks[task]), `deno task ${task} allows all`);
  }
});
