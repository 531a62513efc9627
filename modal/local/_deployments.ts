/**
 * Which classes are deployed, and what Modal tells about each.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { DATA_FORMAT_CBOR } from "../../inference/modal_messages.ts";
import type { LocalClass, LocalMethod } from "./classes.ts";
import { Containers } from "./_containers.ts";
import { GRPC_STATUS, GrpcStatusError } from "./_grpc_status.ts";
import { newId } from "./_ids.ts";

const DEFAULT_ENVIRONMENT = "main";
const DEFAULT_MAX_CONCURRENT = 8;
const DEFAULT_TIMEOUT_MS = 300_000;
const DATA_FORMAT_PICKLE = 1;
const FUNCTION_TYPE_FUNCTION = 2;
/** `Class.*`: the object that stands for all methods of a class. */
const CLASS_TAG_SUFFIX = ".*";

/** A class that is served. */
export interface Deployment {
  readonly functionId: string;
  readonly appId: string;
  readonly served: LocalClass;
  readonly timeoutMs: number;
  readonly containers: Containers;
}

/** What goes into every handle's metadata. */
export interface HandleOptions {
  readonly inputPlaneUrl: string | null;
  readonly maxObjectSizeBytes: number;
}

/** The classes that are deployed now. */
export class Deployments {
  readonly #byTag = new Map<string, Deployment>();
  readonly #byFunctionId = new Map<string, Deployment>();
  /** Those of classes replaced or undeployed as well: what they accepted still runs. */
  readonly #containers: Containers[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Serves a class. Over an older one of the same name it keeps the function id, as Modal does. */
  deploy(served: LocalClass): void {
    const tag = tagOf(served.environment ?? "", served.app, served.name);
    const older = this.#byTag.get(tag);
    const deployment: Deployment = {
      functionId: older?.functionId ?? newId("fu"),
      appId: older?.appId ?? newId("ap"),
      served,
      timeoutMs: served.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      containers: new Containers({
        maxConcurrent: served.maxConcurrent ?? DEFAULT_MAX_CONCURRENT,
        coldStartMs: served.coldStartMs ?? 0,
      }, this.#clock),
    };
    this.#containers.push(deployment.containers);
    this.#byTag.set(tag, deployment);
    this.#byFunctionId.set(deployment.functionId, deployment);
  }

  /** Serves a class no longer: its function id is not found from now on. Calls it has still run. */
  undeploy(served: Pick<LocalClass, "app" | "name" | "environment">): void {
    const tag = tagOf(served.environment ?? "", served.app, served.name);
    const deployment = this.#byTag.get(tag);
    if (!deployment) return;
    this.#byTag.delete(tag);
    this.#byFunctionId.delete(deployment.functionId);
  }

  /**
   * The class of that `Class.*` tag.
   *
   * @throws {GrpcStatusError} not found
   */
  find(app: string, objectTag: string, environment: string): Deployment {
    const name = objectTag.endsWith(CLASS_TAG_SUFFIX)
      ? objectTag.slice(0, -CLASS_TAG_SUFFIX.length)
      : null;
    const found = name === null ? undefined : this.#byTag.get(tagOf(environment, app, name));
    if (found) return found;
    const where = `environment '${environment || DEFAULT_ENVIRONMENT}'`;
    const text = `No function with tag '${objectTag}' in app '${app}' (${where})`;
    throw new GrpcStatusError(GRPC_STATUS.notFound, text);
  }

  /** The class of that name in the default environment, if it is there. */
  named(app: string, name: string): Deployment | undefined {
    return this.#byTag.get(tagOf(DEFAULT_ENVIRONMENT, app, name));
  }

  /**
   * The class and method that an input is for.
   *
   * @throws {GrpcStatusError} not found
   */
  method(functionId: string, methodName: string): [Deployment, LocalMethod] {
    const deployment = this.#byFunctionId.get(functionId);
    if (!deployment) {
      throw new GrpcStatusError(GRPC_STATUS.notFound, `Function ${functionId} not found`);
    }
    const { methods, name } = deployment.served;
    if (!Object.hasOwn(methods, methodName)) {
      const text = `Method '${methodName}' not found on class '${name}'`;
      throw new GrpcStatusError(GRPC_STATUS.notFound, text);
    }
    return [deployment, methods[methodName]!];
  }

  /** Nothing is deployed any more. */
  close(): void {
    for (const containers of this.#containers) containers.close();
    this.#byTag.clear();
    this.#byFunctionId.clear();
  }
}

function tagOf(environment: string, app: string, name: string): string {
  return JSON.stringify([environment || DEFAULT_ENVIRONMENT, app, name]);
}

/** `FunctionHandleMetadata` of a class, with that of each of its methods. */
export function handleMetadataOf(
  deployment: Deployment,
  options: HandleOptions,
): Record<string, unknown> {
  const { served } = deployment;
  const common = {
    functionType: FUNCTION_TYPE_FUNCTION,
    supportedInputFormats: served.inputFormats ?? [DATA_FORMAT_PICKLE, DATA_FORMAT_CBOR],
    supportedOutputFormats: [DATA_FORMAT_PICKLE, DATA_FORMAT_CBOR],
    maxObjectSizeBytes: options.maxObjectSizeBytes,
    appId: deployment.appId,
    ...(options.inputPlaneUrl === null ? {} : { inputPlaneUrl: options.inputPlaneUrl }),
  };
  const methods = Object.keys(served.methods).map((name) => [name, {
    ...common,
    functionName: `${served.name}.${name}`,
    isMethod: true,
    useMethodName: name,
  }]);
  return {
    ...common,
    functionName: `${served.name}${CLASS_TAG_SUFFIX}`,
    classParameterInfo: {},
    methodHandleMetadata: Object.fromEntries(methods),
  };
}
