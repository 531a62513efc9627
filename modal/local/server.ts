/**
 * A stand-in for Modal's control plane on loopback: real gRPC, which the real SDK talks to.
 *
 * It speaks what calling a class method takes, and nothing else of Modal. For tests and development;
 * the app never imports it.
 *
 * @module
 */
import { type Clock, systemClock } from "../../clock.ts";
import { BlobStore } from "./_blobs.ts";
import { Calls } from "./_calls.ts";
import { controlPlaneHandlers, type PlaneParts } from "./_control_plane.ts";
import { Deployments } from "./_deployments.ts";
import { EndpointServer } from "./_endpoint.ts";
import { type CallFault, FaultPlan, type Faults, type RpcFault } from "./_faults.ts";
import type { GrpcHandler } from "./_grpc_stream.ts";
import { GrpcServer, MAX_MESSAGE_BYTES } from "./_grpc_server.ts";
import { inputPlaneHandlers } from "./_input_plane.ts";
import { rpcServer } from "./_rpc.ts";
import { type Seen, SeenLog } from "./_seen.ts";
import { TokenDesk } from "./_tokens.ts";
import type { LocalClass } from "./classes.ts";

export type { CallFault, Faults, RpcFault } from "./_faults.ts";
export { GRPC_STATUS } from "./_grpc_status.ts";
export type { Seen, SeenCall } from "./_seen.ts";

const DEFAULT_TOKEN_LIFETIME_S = 20 * 60;
/** The SDK's own default; larger arguments and results go as blobs. */
const DEFAULT_MAX_OBJECT_SIZE_BYTES = 2 * 1024 * 1024;
const DEFAULT_KEEP_CALLS = 64;

/** What to serve, and how. */
export interface LocalModalOptions {
  readonly classes: readonly LocalClass[];
  /** Port of the control plane; default 0, a free one. */
  readonly port?: number;
  /** Whether calls go by the input plane, a second listener on a free port. Default false. */
  readonly inputPlane?: boolean;
  /** Accepted secrets by token id. By default every pair of two non-empty strings is accepted. */
  readonly tokens?: Readonly<Record<string, string>>;
  /** Accepted secrets of the HTTPS endpoints by proxy token id; by default as with `tokens`. */
  readonly proxyTokens?: Readonly<Record<string, string>>;
  /** For how many seconds a login's JWT is good. Default 20 minutes. */
  readonly tokenLifetimeS?: number;
  /** Arguments and results of more bytes than this go as blobs. Default 2 MiB. */
  readonly maxObjectSizeBytes?: number;
  /** Larger gRPC requests end as RESOURCE_EXHAUSTED. Default 100 MiB. */
  readonly maxMessageBytes?: number;
  /** How many calls stay listed in {@link Seen.calls}, arguments and all. Default 64. */
  readonly keepCalls?: number;
  /** Default the machine's own. */
  readonly clock?: Clock;
}

/** A running stand-in. */
export interface LocalModal {
  /** Of the control plane, `http://127.0.0.1:PORT`: what `MODAL_SERVER_URL` must be. */
  readonly url: string;
  /** Of the input plane; null when there is none. */
  readonly inputPlaneUrl: string | null;
  /** The HTTPS endpoint of a class, in the clear: what `MODAL_ENDPOINT_URL` must be. */
  endpointUrl(served: Pick<LocalClass, "app" | "name">): string;
  /** What happened so far; the object stays current. */
  readonly seen: Seen;
  /** Failures on request. */
  readonly faults: Faults;
  /** Serves one more class, or a newer one of the same name, with the same function id. */
  deploy(served: LocalClass): void;
  /** Serves a class no longer: NOT_FOUND from now on. Calls accepted before still run. */
  undeploy(served: Pick<LocalClass, "app" | "name" | "environment">): void;
  /** Sends GOAWAY on every connection. Calls under way still get their answer. */
  goaway(): void;
  /** Ends every connection at once, as a network failure would. Calls go on running. */
  killConnections(): void;
  /** Goes away: connections end and new ones are refused. Calls go on running. */
  stop(): Promise<void>;
  /** Comes back on the same ports, knowing all that it knew. */
  restart(): Promise<void>;
  /** Ends everything. */
  close(): Promise<void>;
}

/**
 * Starts the stand-in; it listens when the promise resolves.
 *
 * @throws {Error} when the port is taken
 */
export async function startLocalModal(options: LocalModalOptions): Promise<LocalModal> {
  const modal = new Stand(buildStandParts(options), options);
  try {
    await modal.restart();
  } catch (error) {
    await modal.close();
    throw error;
  }
  return modal;
}

interface StandParts extends PlaneParts {
  readonly seen: SeenLog;
  readonly callFaults: FaultPlan<CallFault>;
  readonly rpcFaults: FaultPlan<RpcFault>;
  readonly proxyTokens: Readonly<Record<string, string>> | null;
}

function buildStandParts(options: LocalModalOptions): StandParts {
  const clock = options.clock ?? systemClock;
  const maxObjectSizeBytes = options.maxObjectSizeBytes ?? DEFAULT_MAX_OBJECT_SIZE_BYTES;
  const blobs = new BlobStore();
  const seen = new SeenLog(options.keepCalls ?? DEFAULT_KEEP_CALLS, () => blobs.size);
  const lifetimeS = options.tokenLifetimeS ?? DEFAULT_TOKEN_LIFETIME_S;
  const callFaults = new FaultPlan<CallFault>();
  const deployments = new Deployments(clock);
  for (const served of options.classes) deployments.deploy(served);
  const takeFault = (method: string) => callFaults.take(method);
  return {
    clock,
    maxObjectSizeBytes,
    seen,
    callFaults,
    deployments,
    blobs,
    rpcFaults: new FaultPlan<RpcFault>(),
    proxyTokens: options.proxyTokens ?? null,
    tokens: new TokenDesk(options.tokens ?? null, lifetimeS, clock),
    calls: new Calls({ clock, maxObjectSizeBytes, blobs, seen, takeFault }),
  };
}

class Stand implements LocalModal {
  readonly faults: Faults;
  readonly seen: Seen;
  readonly #parts: StandParts;
  readonly #control: GrpcServer;
  readonly #input: GrpcServer | null;
  readonly #endpoint: EndpointServer;

  constructor(parts: StandParts, options: LocalModalOptions) {
    this.#parts = parts;
    const rpc = { ...parts, faults: parts.rpcFaults };
    const maxMessageBytes = options.maxMessageBytes ?? MAX_MESSAGE_BYTES;
    const listener = (port: number, handle: GrpcHandler) =>
      new GrpcServer({ port, maxMessageBytes }, handle, parts.seen);
    this.#input = options.inputPlane
      ? listener(0, rpcServer(inputPlaneHandlers(parts), rpc))
      : null;
    const control = controlPlaneHandlers(parts, () => this.inputPlaneUrl);
    this.#control = listener(options.port ?? 0, rpcServer(control, rpc));
    this.#endpoint = new EndpointServer(parts);
    this.seen = parts.seen;
    this.faults = faultsOf(parts);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#control.port}`;
  }

  get inputPlaneUrl(): string | null {
    return this.#input && `http://127.0.0.1:${this.#input.port}`;
  }

  endpointUrl(served: Pick<LocalClass, "app" | "name">): string {
    return this.#endpoint.urlOf(served);
  }

  deploy(served: LocalClass): void {
    this.#parts.deployments.deploy(served);
  }

  undeploy(served: Pick<LocalClass, "app" | "name" | "environment">): void {
    this.#parts.deployments.undeploy(served);
  }

  goaway(): void {
    for (const server of this.#servers()) server.goaway();
  }

  killConnections(): void {
    for (const server of [...this.#servers(), this.#endpoint]) server.killConnections();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#servers(), this.#endpoint].map((server) => server.stop()));
  }

  async restart(): Promise<void> {
    await Promise.all([...this.#servers(), this.#endpoint].map((server) => server.start()));
  }

  async close(): Promise<void> {
    this.#parts.calls.close();
    this.#parts.deployments.close();
    await Promise.all([this.stop(), this.#parts.blobs.close()]);
  }

  #servers(): GrpcServer[] {
    return this.#input ? [this.#control, this.#input] : [this.#control];
  }
}

function faultsOf({ callFaults, rpcFaults, tokens }: StandParts): Faults {
  return {
    calls: (fault, options = {}) =>
      callFaults.add(fault, options.method ?? null, options.times ?? 1),
    rpcs: (rpc, fault, options = {}) => rpcFaults.add(fault, rpc, options.times ?? 1),
    refuseLogins(refused) {
      tokens.refusesLogins = refused;
    },
    revokeLogins: () => tokens.revokeAll(),
    clear() {
      callFaults.clear();
      rpcFaults.clear();
      tokens.refusesLogins = false;
    },
  };
}
