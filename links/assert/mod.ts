/**
 * The functions of `jsr:@std/assert` that our tests use, over `node:assert/strict`, for machines
 * where only npm is reachable. Signatures follow the original, so the tests run against either.
 *
 * @module
 */
import strict from "node:assert/strict";

type Check = (actual: unknown, expected: unknown, message?: string) => void;

/** What we use of it, in words that every version of Node's types agrees with. */
interface NodeAssert {
  readonly ok: (actual: unknown, message?: string) => asserts actual;
  readonly fail: (message: string) => never;
  readonly deepEqual: Check;
  readonly notDeepEqual: Check;
  readonly equal: Check;
  readonly match: Check;
  readonly doesNotMatch: Check;
}

const nodeAssert: NodeAssert = strict as unknown as NodeAssert;

/** Fails unless `actual` is truthy. */
export function assert(actual: unknown, message?: string): asserts actual {
  nodeAssert.ok(actual, message ?? "expected a truthy value");
}

/** Fails unless both are deeply and strictly equal. */
export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  nodeAssert.deepEqual(actual, expected, message);
}

/** Fails if both are deeply and strictly equal. */
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  nodeAssert.notDeepEqual(actual, expected, message);
}

/** Fails unless both are the same value by `Object.is`. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  message?: string,
): asserts actual is T {
  nodeAssert.equal(actual, expected, message);
}

/** Fails if `actual` is null or undefined. */
export function assertExists<T>(actual: T, message?: string): asserts actual is NonNullable<T> {
  nodeAssert.ok(actual !== undefined && actual !== null, message ?? "expected a value");
}

/** Fails unless `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, message?: string): void {
  nodeAssert.ok(
    actual.includes(expected),
    message ?? `expected ${JSON.stringify(actual)} to contain ${JSON.stringify(expected)}`,
  );
}

/** Fails unless `actual` matches `expected`. */
export function assertMatch(actual: string, expected: RegExp, message?: string): void {
  nodeAssert.match(actual, expected, message);
}

/** Fails if `actual` matches `unexpected`. */
export function assertNotMatch(actual: string, unexpected: RegExp, message?: string): void {
  nodeAssert.doesNotMatch(actual, unexpected, message);
}

/** Fails unless `actual >= expected`. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, message?: string): void {
  nodeAssert.ok(actual >= expected, message ?? `expected ${actual} >= ${expected}`);
}

/** Fails unless `actual <= expected`. */
export function assertLessOrEqual<T>(actual: T, expected: T, message?: string): void {
  nodeAssert.ok(actual <= expected, message ?? `expected ${actual} <= ${expected}`);
}

/** Fails unless `fn` throws; answers what it threw. */
export function assertThrows<E extends Error>(
  fn: () => unknown,
  // deno-lint-ignore no-explicit-any
  ErrorClass?: new (...args: any[]) => E,
  messageIncludes?: string,
): E {
  try {
    fn();
  } catch (error) {
    return checkError(error, ErrorClass, messageIncludes);
  }
  return nodeAssert.fail("expected the function to throw");
}

/** Fails unless the promise of `fn` rejects; answers the reason. */
export async function assertRejects<E extends Error>(
  fn: () => PromiseLike<unknown>,
  // deno-lint-ignore no-explicit-any
  ErrorClass?: new (...args: any[]) => E,
  messageIncludes?: string,
): Promise<E> {
  try {
    await fn();
  } catch (error) {
    return checkError(error, ErrorClass, messageIncludes);
  }
  return nodeAssert.fail("expected the promise to reject");
}

function checkError<E extends Error>(
  error: unknown,
  // deno-lint-ignore no-explicit-any
  ErrorClass?: new (...args: any[]) => E,
  messageIncludes?: string,
): E {
  nodeAssert.ok(error instanceof Error, `expected an Error, got ${error}`);
  if (ErrorClass) {
    nodeAssert.ok(
      error instanceof ErrorClass,
      `expected ${ErrorClass.name}, got ${error.name}: ${error.message}`,
    );
  }
  if (messageIncludes) assertStringIncludes(error.message, messageIncludes);
  return error as E;
}
