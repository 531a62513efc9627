/**
 * What the process is configured with: from the text of its variables (`settings.ts`) to a
 * {@link Config}, which is all that the rest of the app sees.
 *
 * @module
 */
import type { z } from "zod";
import { profileNamed } from "./inference/profiles/profiles.ts";
import type { BudgetLimits } from "./kv/budgets.ts";
import type { LogLevel } from "./log.ts";
import { redactAddresses } from "./redact.ts";
import { type SettingName, SETTINGS, type Values } from "./settings.ts";

const MS_PER_SECOND = 1000;
const BYTES_PER_MIB = 1024 * 1024;
/**
 * Three quarters of the 512 MB that Deno Deploy documents: 1.25 times it, where streams are sent
 * away, still lies below (docs.deno.com/deploy/pricing_and_limits).
 */
const DEPLOY_MAX_MEMORY_MIB = 384;

/** Variables as the operating system gives them; an empty or blank value counts as unset. */
export type Environment = Readonly<Record<string, string | undefined>>;

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
  /** What signs wearers' tokens, the one in use first; empty: there are none. */
  readonly tokenSigningKeys: readonly string[];
  /** What seals secrets in KV, the one in use first; empty: none is kept. */
  readonly secretSealingKeys: readonly string[];
  /** Where addresses begin that are given out; null: where the request was made. */
  readonly publicUrl: string | null;
  readonly kv: KvLocation;
  readonly logLevel: LogLevel;
  readonly socketTransport: "ws" | "native";
  /** Of the whole process. Limits of 0 mean off. */
  readonly capacity: { readonly maxStreams: number; readonly maxMemoryBytes: number };
  readonly inference: {
    /** The preferred first. */
    readonly models: readonly ("modal" | "openai")[];
    /** Whether private details are taken out of captions and answers. */
    readonly redacts: boolean;
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
  readonly webhook: {
    /** What signs webhooks: all of them sign; empty: there are none. */
    readonly signingKeys: readonly string[];
    /** Whether they may lead to this machine. */
    readonly allowsLoopback: boolean;
  };
  readonly outbox: {
    /** For each wearer in any 24 hours; 0: no limit. */
    readonly perDay: number;
    /** Whether the channel `log` shows texts. */
    readonly logsText: boolean;
  };
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
    tokenSigningKeys: values.TOKEN_SIGNING_KEYS,
    secretSealingKeys: values.SECRET_SEALING_KEYS,
    publicUrl: values.PUBLIC_URL || null,
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
      redacts: values.CAPTION_REDACT === "on",
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
    webhook: {
      signingKeys: values.WEBHOOK_SIGNING_KEYS,
      allowsLoopback: values.WEBHOOK_ALLOW_LOOPBACK === "on",
    },
    outbox: { perDay: values.OUTBOX_PER_DAY, logsText: values.OUTBOX_LOG_TEXT === "on" },
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
