/**
 * One run of a method, as its container does it: decode, bind, call, encode.
 *
 * @module
 */
import { Decoder, Encoder } from "cbor-x";
import type { Clock } from "../../clock.ts";
import { bindArguments, exceptionRepr, PythonError } from "./_binding.ts";
import type { Call, RunOutput } from "./_call.ts";
import type { CallFault } from "./_faults.ts";
import type { SeenCall } from "./_seen.ts";
import { aborted, waitMs } from "./_wait.ts";

/** The SDK's own, see its `src/serialization.ts`. */
const CBOR_OPTIONS = {
  mapsAsObjects: true,
  useRecords: false,
  tagUint8Array: false,
  useTag259ForMaps: false,
};
const encoder = new Encoder(CBOR_OPTIONS);
const decoder = new Decoder(CBOR_OPTIONS);

/** What a run needs beside the call. */
export interface RunContext {
  readonly clock: Clock;
  readonly takeFault: (method: string) => CallFault | null;
  readonly called: (call: SeenCall) => void;
}

/** Runs the method once. Never rejects; once `signal` is aborted nobody reads the output. */
export async function runMethod(
  call: Call,
  context: RunContext,
  signal: AbortSignal,
): Promise<RunOutput> {
  const { deployment, methodName: method, tokenId } = call.request;
  try {
    const args = decodeArguments(call);
    const { app, name: className } = deployment.served;
    context.called({ app, className, method, args, tokenId });
    const failed = await applyFault(context.takeFault(method), context.clock, signal);
    if (failed) return failed;
    const value = await call.request.method.call(args, signal);
    return { kind: "success", data: encoder.encode(value) };
  } catch (error) {
    return { kind: "failure", exception: exceptionRepr(error) };
  }
}

function decodeArguments(call: Call): Record<string, unknown> {
  const { deployment, method, methodName } = call.request;
  let decoded: unknown;
  try {
    decoded = decoder.decode(call.payload ?? new Uint8Array());
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PythonError("DeserializationError", `cannot read the arguments as CBOR: ${reason}`);
  }
  if (!isArgumentPair(decoded)) {
    throw new PythonError("DeserializationError", "arguments must be CBOR of [args, kwargs]");
  }
  const qualifiedName = `${deployment.served.name}.${methodName}`;
  return bindArguments(qualifiedName, method.parameters, ...decoded);
}

function isArgumentPair(value: unknown): value is [unknown[], Record<string, unknown>] {
  return Array.isArray(value) && value.length === 2 && Array.isArray(value[0]) &&
    typeof value[1] === "object" && value[1] !== null;
}

async function applyFault(
  fault: CallFault | null,
  clock: Clock,
  signal: AbortSignal,
): Promise<RunOutput | null> {
  switch (fault?.kind) {
    case undefined:
      return null;
    case "error":
      return { kind: "failure", exception: fault.exception };
    case "timeout":
      return { kind: "timeout", exception: "Task's current input hit its timeout" };
    case "internalFailure":
      return { kind: "internalFailure", exception: "Container was lost" };
    case "delay":
      await waitMs(clock, fault.delayMs, signal);
      return null;
    case "hang":
      await aborted(signal);
      return { kind: "failure", exception: "KeyboardInterrupt()" };
  }
}
