/**
 * The environment variables of the process: what each is for, what stands for it where it is unset,
 * and what it may be. The README's table is checked against {@link SETTINGS}.
 *
 * @module
 */
import {
  address,
  base,
  choice,
  count,
  endpoint,
  list,
  number,
  optionalCount,
  secret,
  secretKeys,
  type Setting,
  text,
} from "./_setting.ts";
import { PROFILE_NAMES } from "./inference/profiles/profiles.ts";
import { MAX_BUDGET_STREAMS } from "./kv/budgets.ts";
import { MAX_RATE_LIMIT } from "./kv/rate_limits.ts";
import { LOG_LEVELS } from "./log.ts";

const MAX_SECONDS = 86_400;
const MAX_FRAME_BYTES = 64 * 1024 * 1024;
const HTTP = ["https:", "http:"];

/** Every variable that the process reads. */
export const SETTINGS = {
  PORT: count("port to listen on; 0 takes a free one", 8000, 65_535),
  HOST: text("address to listen on", "0.0.0.0"),
  MAGIC_WORD: secret("the word that lets clients in; while unset nobody enters"),
  TOKEN_SIGNING_KEYS: secretKeys(
    "secrets that sign wearers' tokens: the first signs, all verify; while unset there are none",
    32,
  ),
  SECRET_SEALING_KEYS: secretKeys(
    "secrets that seal wearers' Poke keys: the first seals, all open; while unset none is kept",
    32,
  ),
  PUBLIC_URL: base("where links begin that are given to helpers; unset: where they are asked for"),
  KV_PATH: text("Deno KV in this local file"),
  KV_URL: address(
    "Deno KV behind this KV Connect address; with neither, the platform's own",
    HTTP,
  ),
  LOG_LEVEL: choice("least serious log line written", LOG_LEVELS, "info"),
  INFERENCE: list(
    "models, the preferred first; the next one answers where it fails or is too slow",
    ["modal", "openai"],
    "modal",
  ),
  OPENAI_BASE_URL: address(
    "server that speaks OpenAI's chat completions, up to and with `/v1`",
    HTTP,
  ),
  OPENAI_API_KEY: secret("its key, where it asks for one"),
  OPENAI_MODEL: text("the model to ask it for"),
  CAPTION_REDACT: choice(
    "whether phone numbers, cards and e-mail addresses are taken out of what the model says",
    ["on", "off"],
    "on",
  ),
  SOCKET_TRANSPORT: choice(
    "WebSocket server; `auto` is `native` on Deno Deploy, else `ws`",
    ["auto", "ws", "native"],
    "auto",
  ),
  DENO_DEPLOYMENT_ID: text("set by Deno Deploy, and nowhere else"),
  MAX_STREAMS: count("streams served at once by the process", 0, 1_000_000),
  MAX_MEMORY_MIB: optionalCount(
    "resident memory above which streams are refused, and sent away from 1.25 times it on; unset: " +
      "`384` on Deno Deploy, else off",
    1_000_000,
  ),
  MODAL_TRANSPORT: choice(
    "how calls travel to Modal: gRPC over fetch, the SDK's own channel, or the class's HTTPS endpoint",
    ["fetch", "grpc", "http"],
    "fetch",
  ),
  MODAL_ENDPOINT_URL: endpoint("address of that endpoint, where the transport is `http`"),
  MODAL_PROXY_TOKEN_ID: secret(
    "Modal proxy token for it; without id and secret nothing is captioned there",
  ),
  MODAL_PROXY_TOKEN_SECRET: secret("its secret"),
  MODAL_SERVER_URL: address("Modal's control plane", HTTP, "https://api.modal.com:443"),
  MODAL_ENVIRONMENT: text("Modal environment of the deployed class"),
  FORESIGHT_MODAL_ENVIRONMENT: text("the same, where `MODAL_ENVIRONMENT` is unset", "main"),
  MODAL_TOKEN_ID: secret("Modal token; without id and secret nothing is captioned"),
  MODAL_TOKEN_SECRET: secret("its secret"),
  MODAL_APP_NAME: text("deployed Modal app"),
  MODAL_CLASS_NAME: text("class in that app"),
  FORESIGHT_MODAL_TOKEN_ID: secret("the same four, where the `MODAL_` ones are unset"),
  FORESIGHT_MODAL_TOKEN_SECRET: secret("(see above)"),
  FORESIGHT_MODAL_APP_NAME: text("(see above)", "foresight-gemma3-vlm"),
  FORESIGHT_MODAL_CLASS_NAME: text("(see above)", "Gemma3VLMSession"),
  FORESIGHT_POKE_API_KEY: secret("Poke key of wearer `default`, where it has none of its own"),
  FORESIGHT_POKE_URL: address("stands in for Poke's own addresses", HTTP),
  WEBHOOK_SIGNING_KEYS: secretKeys(
    "secrets that webhooks are signed with, all of them at once; while unset none is sent",
    32,
  ),
  WEBHOOK_ALLOW_LOOPBACK: choice(
    "whether webhooks may lead to this machine itself, for development",
    ["on", "off"],
    "off",
  ),
  OUTBOX_PER_DAY: count(
    "messages of a wearer in any 24 hours, without those of `/poke/send`",
    100,
    MAX_RATE_LIMIT,
  ),
  OUTBOX_LOG_TEXT: choice("whether the channel `log` shows texts", ["on", "off"], "off"),
  VISION_CHUNK_SECONDS: number("seconds of frames in one chunk", 1, MAX_SECONDS),
  VISION_MAX_BUFFER_FRAMES: count("newest frames that a chunk stands for", 120, 100_000),
  VISION_MAX_FRAMES_PER_CHUNK: count("frames of a chunk that travel to Modal", 6, 1000),
  VISION_MAX_INFLIGHT: count("inferences running at once for one stream", 1, 1000),
  INFERENCE_MAX_CONCURRENT: count("inferences running at once in the process", 64, 100_000),
  VISION_MAX_FRAME_BYTES: count("bytes of one frame", 2 * 1024 * 1024, MAX_FRAME_BYTES),
  VISION_MAX_FPS: number("frames per second of one stream, with a burst of twice that", 60, 1e6),
  VISION_RESULT_FLUSH_MS: count("a result waits this long for an ack to travel with", 500, 60_000),
  VISION_INFERENCE_TIMEOUT_SECONDS: number("deadline of one inference", 60, MAX_SECONDS),
  VISION_SKIP_SIMILAR: choice(
    "whether frames that look like the last one sent are kept from the model",
    ["on", "off"],
    "off",
  ),
  VISION_HEARTBEAT_SECONDS: number(
    "with it, a frame goes to the model at least so often; 0: only when it changed",
    10,
    MAX_SECONDS,
  ),
  VISION_DRAIN_SECONDS: number("time for running inferences when a client leaves", 10, MAX_SECONDS),
  VISION_STALL_SECONDS: number("a client without frames for so long is told so", 4, MAX_SECONDS),
  SESSION_RESUME_MINUTES: number("a client may come back to its session for so long", 30, 100_000),
  VISION_PROFILE: choice(
    "what the model is asked to look for; a stream may choose another with `?profile=`",
    PROFILE_NAMES,
    "narrate",
  ),
  VISION_PROMPT: text("the same in words of your own; goes before `VISION_PROFILE`"),
  RATE_LIMIT_STREAMS_PER_MINUTE: count("stream opens per identity", 60, MAX_RATE_LIMIT),
  RATE_LIMIT_POKE_PER_HOUR: count("Poke sends per identity", 30, MAX_RATE_LIMIT),
  BUDGET_CALLS_PER_MINUTE: count("inference calls of a wearer in any minute", 120, 100_000),
  BUDGET_CALLS_PER_DAY: count("inference calls of a wearer in any 24 hours", 50_000, 1e9),
  BUDGET_GPU_SECONDS_PER_DAY: number("seconds of GPU of a wearer in any 24 hours", 0, 1e9),
  BUDGET_STREAMS: count("streams of a wearer at once", 4, MAX_BUDGET_STREAMS),
  RETENTION_DAYS: number(
    "days that records stay in KV, where a wearer has no time of its own",
    30,
    36_500,
  ),
} satisfies Record<string, Setting<unknown>>;

/** The name of an environment variable that the process reads. */
export type SettingName = keyof typeof SETTINGS;

/** Their values, read. */
export type Values = {
  [N in SettingName]: typeof SETTINGS[N] extends Setting<infer T> ? T : never;
};
