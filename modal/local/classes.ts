/**
 * How a class is described that the stand-in serves, as `@app.cls` and `@modal.method` do in Python.
 *
 * @module
 */

/** A parameter of a method; without `default` a call must supply it. */
export interface LocalParameter {
  readonly name: string;
  readonly default?: unknown;
}

/** One method of a served class. */
export interface LocalMethod {
  /** In the order in which positional arguments fill them; a bare name has no default. */
  readonly parameters: readonly (string | LocalParameter)[];
  /**
   * Runs one call.
   *
   * @param args every parameter's value by its name; Python `bytes` are `Uint8Array`
   * @param signal aborted when the call is cancelled or its time is up: its slot is free from then on
   * @returns what CBOR can carry; a promise is awaited
   * @throws any error: the caller is told `name('message')`, as Python's `repr` would
   */
  call(args: Readonly<Record<string, unknown>>, signal: AbortSignal): unknown;
}

/** A class as it is deployed. */
export interface LocalClass {
  readonly app: string;
  readonly name: string;
  /** Default `main`. */
  readonly environment?: string;
  readonly methods: Readonly<Record<string, LocalMethod>>;
  /** How many calls run at once; more wait their turn. Default 8. */
  readonly maxConcurrent?: number;
  /** How long the first call waits for its container, in milliseconds. Default 0. */
  readonly coldStartMs?: number;
  /** How long a call may run, in milliseconds, before it ends as timed out. Default 300 000. */
  readonly timeoutMs?: number;
  /**
   * Data formats that the deployed class says it takes: 1 pickle, 4 CBOR. Default both; without 4
   * the SDK refuses to call (an app deployed with a Python SDK before 1.2).
   */
  readonly inputFormats?: readonly number[];
}
