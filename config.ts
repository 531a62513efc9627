/**
 * The settings of the process. This file alone knows the names of environment variables; the rest
 * of the app sees a {@link Config}. The README's table is checked against {@link SETTINGS}.
 *
 * @module
 */
import type { z } from "zod";
import {
  address,
  choice,
  count,
  endpoint,
  list,
  number,
  optionalCount,
  secret,
  type Setting,
  text,
} from "./_setting.ts";
import { PROFILE_NAMES, profileNamed } from "./inference/profiles/profiles.ts";
import { type BudgetLimits, MAX_BUDGET_STREAMS } from "./kv/budgets.ts";
import { MAX_RATE_LIMIT } from "./kv/rate_limits.ts";
import { LOG_LEVELS, type LogLevel } from "./log.ts";
import { redactAddresses } from "./redact.ts";

const MS_PER_SECOND = 1000;
const MAX_SECONDS = 86_400;
const MAX_FRAME_BYTES = 64 * 1024 * 1024;
const BYTES_PER_MIB = 1024 * 1024;
/**
 * Three quarters of the 512 MB that Deno Deploy documents: 1.25 times it, where streams are sent
 * away, still lies below (docs.deno.com/deploy/pricing_and_limits).
 */
const DEPLOY_MAX_MEMORY_MIB = 384;

/** Variables as the operating system gives them; an empty or blank value counts as unset. */
export type Environment = Readonly<Record<string, string | undefined>>;

const HTTP = ["https:", "http:"];

/** Every variable that the process reads. */
export const SETTINGS = {
  PORT: count("port to listen on; 0 takes a free one", 8000, 65_535),
  HOST: text("address to listen on", "0.0.0.0"),
  MAGIC_WORD: secret("the word that lets clients in; while unset nobody enters"),
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
  FORESIGHT_POKE_API_KEY: secret("Poke key for requests that bring none"),
  FORESIGHT_POKE_URL: address("stands in for Poke's own addresses", HTTP),
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
  RETENTION_DAYS: number("days that records stay in KV", 30, 36_500),
} satisfies Record<string, Setting<unknown>>;

/** The name of an environment variable that the process reads. */
export type SettingName = keyof typeof SETTINGS;

type Values = { [N in SettingName]: typeof SETTINGS[N] extends Setting<infer T> ? T : never };

/** Where records live. */
export type KvLocation =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "platform" };

/** What one stream may do and how it is chunked. A limit of 0 means off. */
export interface VisionConfig {
  readonly chunkMs: number;
  readonly maxBufferFrames: number;
  readonly maxFramesPerChunk: number;
  readonly maxInflight: number;
  readonly maxFrameBytes: number;
  readonly maxFps: number;
  readonly resultFlushMs: number;
  readonly drainMs: number;
  readonly stallMs: number;
  readonly resumeMs: number;
  /** Whether frames that show what the last one showed are kept from the model. */
  readonly skipSimilar: boolean;
  /** Then a frame goes to the model at least so often. */
  readonly heartbeatMs: number;
  readonly prompt: string;
}

/** Everything that can be set, validated, with units. */
export interface Config {
  readonly port: number;
  readonly host: string;
  /** Null: nobody enters. */
  readonly magicWord: string | null;
  readonly kv: KvLocation;
  readonly logLevel: LogLevel;
  readonly socketTransport: "ws" | "native";
  /** Of the whole process. Limits of 0 mean off. */
  readonly capacity: { readonly maxStreams: number; readonly maxMemoryBytes: number };
  readonly inference: {
    /** The preferred first. */
    readonly models: readonly ("modal" | "openai")[];
    readonly maxConcurrent: number;
    readonly timeoutMs: number;
  };
  readonly openai: {
    readonly baseUrl: string;
    readonly apiKey: string | null;
    readonly model: string;
  };
  readonly modal: {
    readonly transport: "fetch" | "grpc" | "http";
    readonly serverUrl: string;
    readonly environment: string;
    /** What a stream uses where its headers say nothing (WIRE V10); empty is absent. */
    readonly tokenId: string;
    readonly tokenSecret: string;
    readonly appName: string;
    readonly className: string;
  };
  /** What the transport `http` takes in place of all the above; empty is absent. */
  readonly modalEndpoint: {
    readonly url: string;
    readonly proxyTokenId: string;
    readonly proxyTokenSecret: string;
  };
  readonly poke: { readonly apiKey: string | null; readonly url: string | null };
  readonly vision: VisionConfig;
  readonly rateLimits: { readonly streamsPerMinute: number; readonly pokePerHour: number };
  /** For each wearer, all processes together. */
  readonly budgets: BudgetLimits;
  readonly retentionDays: number;
}

/** A configuration, or what is wrong with it, one sentence a variable. */
export type ConfigOutcome =
  | { readonly kind: "valid"; readonly config: Config }
  | { readonly kind: "invalid"; readonly problems: readonly string[] };

/**
 * Reads the environment. Names that the process does not know are left alone.
 *
 * @returns problems as `Cannot use PORT as it must be ...: current value is "abc"`; the value of a
 *   secret is never among them
 */
export function parseConfig(environment: Environment): ConfigOutcome {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(SETTINGS)) {
    const given = environment[name]?.trim() || setting.fallback;
    const parsed = setting.schema.safeParse(given);
    if (parsed.success) values[name] = parsed.data;
    else problems.push(problemOf(name, setting.secret, given, parsed.error));
  }
  problems.push(...conflictsIn(values as Partial<Values>));
  if (problems.length > 0) return { kind: "invalid", problems };
  return { kind: "valid", config: configOf(values as Values) };
}

/** What is wrong with values that are good one by one. */
function conflictsIn(values: Partial<Values>): string[] {
  const needs = (name: SettingName, where: string) =>
    values[name] === "" ? [`Cannot use ${name} as it must be set ${where}: it is unset`] : [];
  const token = ["MODAL_PROXY_TOKEN_ID", "MODAL_PROXY_TOKEN_SECRET"] as const;
  return [
    ...values.KV_PATH && values.KV_URL
      ? ["Cannot use KV_URL as it must be unset beside KV_PATH: current value is set"]
      : [],
    ...values.INFERENCE?.includes("openai")
      ? [
        ...needs("OPENAI_BASE_URL", "where INFERENCE has openai"),
        ...needs("OPENAI_MODEL", "where INFERENCE has openai"),
      ]
      : [],
    ...values.MODAL_TRANSPORT === "http"
      ? needs("MODAL_ENDPOINT_URL", "where MODAL_TRANSPORT is http")
      : [],
    ...token.flatMap((name, at) => {
      const other = token[1 - at]!;
      return values[other] ? needs(name, `beside ${other}`) : [];
    }),
  ];
}

function problemOf(name: string, isSecret: boolean, given: string, error: z.ZodError): string {
  const value = isSecret ? "hidden, as it is a secret" : JSON.stringify(redactAddresses(given));
  return `Cannot use ${name} as it ${error.issues[0]?.message}: current value is ${value}`;
}

function configOf(values: Values): Config {
  return {
    port: values.PORT,
    host: values.HOST,
    magicWord: values.MAGIC_WORD || null,
    kv: kvLocationOf(values),
    logLevel: values.LOG_LEVEL,
    socketTransport: socketTransportOf(values),
    capacity: {
      maxStreams: values.MAX_STREAMS,
      maxMemoryBytes: BYTES_PER_MIB *
        (values.MAX_MEMORY_MIB ?? (isDeploy(values) ? DEPLOY_MAX_MEMORY_MIB : 0)),
    },
    inference: {
      models: values.INFERENCE,
      maxConcurrent: values.INFERENCE_MAX_CONCURRENT,
      timeoutMs: values.VISION_INFERENCE_TIMEOUT_SECONDS * MS_PER_SECOND,
    },
    openai: {
      baseUrl: values.OPENAI_BASE_URL,
      apiKey: values.OPENAI_API_KEY || null,
      model: values.OPENAI_MODEL,
    },
    modal: {
      transport: values.MODAL_TRANSPORT,
      serverUrl: values.MODAL_SERVER_URL,
      environment: values.MODAL_ENVIRONMENT || values.FORESIGHT_MODAL_ENVIRONMENT,
      tokenId: values.MODAL_TOKEN_ID || values.FORESIGHT_MODAL_TOKEN_ID,
      tokenSecret: values.MODAL_TOKEN_SECRET || values.FORESIGHT_MODAL_TOKEN_SECRET,
      appName: values.MODAL_APP_NAME || values.FORESIGHT_MODAL_APP_NAME,
      className: values.MODAL_CLASS_NAME || values.FORESIGHT_MODAL_CLASS_NAME,
    },
    modalEndpoint: {
      url: values.MODAL_ENDPOINT_URL,
      proxyTokenId: values.MODAL_PROXY_TOKEN_ID,
      proxyTokenSecret: values.MODAL_PROXY_TOKEN_SECRET,
    },
    poke: {
      apiKey: values.FORESIGHT_POKE_API_KEY || null,
      url: values.FORESIGHT_POKE_URL || null,
    },
    vision: visionOf(values),
    rateLimits: {
      streamsPerMinute: values.RATE_LIMIT_STREAMS_PER_MINUTE,
      pokePerHour: values.RATE_LIMIT_POKE_PER_HOUR,
    },
    budgets: {
      callsPerMinute: values.BUDGET_CALLS_PER_MINUTE,
      callsPerDay: values.BUDGET_CALLS_PER_DAY,
      gpuSecondsPerDay: values.BUDGET_GPU_SECONDS_PER_DAY,
      streams: values.BUDGET_STREAMS,
    },
    retentionDays: values.RETENTION_DAYS,
  };
}

function isDeploy({ DENO_DEPLOYMENT_ID }: Values): boolean {
  return DENO_DEPLOYMENT_ID !== "";
}

/** `ws` can be defended (ARCHITECTURE.md), but nobody has seen it on Deno Deploy yet. */
function socketTransportOf(values: Values): Config["socketTransport"] {
  const { SOCKET_TRANSPORT } = values;
  if (SOCKET_TRANSPORT !== "auto") return SOCKET_TRANSPORT;
  return isDeploy(values) ? "native" : "ws";
}

function kvLocationOf(values: Values): KvLocation {
  if (values.KV_PATH) return { kind: "file", path: values.KV_PATH };
  if (values.KV_URL) return { kind: "url", url: values.KV_URL };
  return { kind: "platform" };
}

function visionOf(values: Values): VisionConfig {
  return {
    chunkMs: values.VISION_CHUNK_SECONDS * MS_PER_SECOND,
    maxBufferFrames: values.VISION_MAX_BUFFER_FRAMES,
    maxFramesPerChunk: values.VISION_MAX_FRAMES_PER_CHUNK,
    maxInflight: values.VISION_MAX_INFLIGHT,
    maxFrameBytes: values.VISION_MAX_FRAME_BYTES,
    maxFps: values.VISION_MAX_FPS,
    resultFlushMs: values.VISION_RESULT_FLUSH_MS,
    drainMs: values.VISION_DRAIN_SECONDS * MS_PER_SECOND,
    stallMs: values.VISION_STALL_SECONDS * MS_PER_SECOND,
    resumeMs: values.SESSION_RESUME_MINUTES * 60 * MS_PER_SECOND,
    skipSimilar: values.VISION_SKIP_SIMILAR === "on",
    heartbeatMs: values.VISION_HEARTBEAT_SECONDS * MS_PER_SECOND,
    prompt: values.VISION_PROMPT || profileNamed(values.VISION_PROFILE)!.prompt,
  };
}
