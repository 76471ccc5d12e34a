/**
 * Stands in for `@std/assert` where JSR cannot be reached, and on Bun and Node: the functions that
 * the tests use, with the same signatures and the same verdicts.
 *
 * @module
 */
import nodeAssert from "node:assert";
import { inspect } from "node:util";
import { equal } from "./equal.ts";

export { equal };

// deno-lint-ignore no-explicit-any
type AnyConstructor<T> = abstract new (...args: any[]) => T;
// deno-lint-ignore no-explicit-any
type Constructor<T> = new (...args: any[]) => T;

/** What a failed assertion throws. */
export class AssertionError extends Error {
  /** Makes an error. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

function failure(what: string, msg?: string): AssertionError {
  return new AssertionError(msg ? `${what}: ${msg}` : `${what}.`);
}

function show(value: unknown): string {
  return inspect(value, { depth: 6, maxArrayLength: 200 });
}

function difference(actual: unknown, expected: unknown): string {
  try {
    nodeAssert.deepStrictEqual(actual, expected);
  } catch (error) {
    return (error as Error).message;
  }
  return `actual ${show(actual)}, expected ${show(expected)}`;
}

/** Fails unless `expr` is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** Fails unless `expr` is falsy. */
export function assertFalse(expr: unknown, msg = ""): asserts expr is false {
  if (expr) throw new AssertionError(msg);
}

/** Fails. */
export function fail(msg?: string): never {
  throw failure("Failed assertion", msg);
}

/** Fails unless the values are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  throw failure(`Values are not equal${msg ? `: ${msg}` : ""}\n${difference(actual, expected)}\n`);
}

/** Fails if the values are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected)) return;
  throw failure(`Expected actual: ${show(actual)} not to be: ${show(expected)}`, msg);
}

/** Fails unless the values are the same by `Object.is`. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (Object.is(actual, expected)) return;
  throw failure(
    `Values are not strictly equal${msg ? `: ${msg}` : ""}\n${difference(actual, expected)}\n`,
  );
}

/** Fails if the values are the same by `Object.is`. */
export function assertNotStrictEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!Object.is(actual, expected)) return;
  throw failure(`Expected "actual" to not be strictly equal to: ${show(actual)}`, msg);
}

/** Fails unless the numbers differ by `tolerance` at most; by default 1e-7 of `expected`. */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  msg?: string,
): void {
  if (Object.is(actual, expected)) return;
  const delta = Math.abs(expected - actual);
  const limit = tolerance ?? (Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7);
  if (delta <= limit) return;
  throw failure(
    `Expected actual: "${actual}" to be close to "${expected}": delta "${delta}" is greater than "${limit}"`,
    msg,
  );
}

/** Fails unless the error is one of the class, with the text in its message. Returns nothing. */
export function assertIsError<E extends Error = Error>(
  error: unknown,
  ErrorClass?: AnyConstructor<E>,
  msgMatches?: string | RegExp,
  msg?: string,
): asserts error is E {
  if (!(error instanceof Error)) {
    throw failure(`Expected "error" to be an Error object`, msg);
  }
  if (ErrorClass && !(error instanceof ErrorClass)) {
    throw failure(
      `Expected error to be instance of "${ErrorClass.name}", but was "${error.constructor?.name}" (${error.message})`,
      msg,
    );
  }
  if (msgMatches === undefined) return;
  const matches = typeof msgMatches === "string"
    ? error.message.includes(msgMatches)
    : msgMatches.test(error.message);
  if (!matches) {
    throw failure(
      `Expected error message to include ${show(msgMatches)}, but got ${show(error.message)}`,
      msg,
    );
  }
}

type Thrown<E extends Error> = [errorClass?: Constructor<E>, msgIncludes?: string, msg?: string];

/** Tells the two signatures of assertThrows and assertRejects apart. */
function expectation<E extends Error>(
  classOrMsg: Constructor<E> | string | undefined,
  includesOrMsg: string | undefined,
  msg: string | undefined,
): Thrown<E> {
  return typeof classOrMsg === "string"
    ? [undefined, undefined, classOrMsg]
    : [classOrMsg, includesOrMsg, msg];
}

function checkThrown<E extends Error>(
  error: unknown,
  [ErrorClass, includes, msg]: Thrown<E>,
): void {
  if (!ErrorClass) return;
  if (!(error instanceof Error)) throw failure("A non-Error object was thrown", msg);
  assertIsError(error, ErrorClass, includes, msg);
}

/** Fails unless the function throws; returns what it threw. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Fails unless the function throws an error of the class; returns it. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: Constructor<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  classOrMsg?: Constructor<E> | string,
  includesOrMsg?: string,
  msg?: string,
): unknown {
  const expected = expectation(classOrMsg, includesOrMsg, msg);
  try {
    fn();
  } catch (error) {
    checkThrown(error, expected);
    return error;
  }
  throw failure("Expected function to throw", expected[2]);
}

/** Fails unless the function returns a promise that rejects; resolves to the reason. */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/** Fails unless the function returns a promise that rejects with an error of the class. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: Constructor<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  classOrMsg?: Constructor<E> | string,
  includesOrMsg?: string,
  msg?: string,
): Promise<unknown> {
  const expected = expectation(classOrMsg, includesOrMsg, msg);
  let promise: PromiseLike<unknown> | undefined;
  try {
    promise = fn();
  } catch {
    // Said below: a throw is no rejection.
  }
  if (typeof promise?.then !== "function") {
    throw failure("Function throws when expected to reject", expected[2]);
  }
  try {
    await promise;
  } catch (error) {
    checkThrown(error, expected);
    return error;
  }
  throw failure("Expected function to reject", expected[2]);
}

/** Fails unless the text matches. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (expected.test(actual)) return;
  throw failure(`Expected actual: "${actual}" to match: "${expected}"`, msg);
}

/** Fails if the text matches. */
export function assertNotMatch(actual: string, expected: RegExp, msg?: string): void {
  if (!expected.test(actual)) return;
  throw failure(`Expected actual: "${actual}" to not match: "${expected}"`, msg);
}

/** Fails unless the text contains the other. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (actual.includes(expected)) return;
  throw failure(`Expected actual: "${actual}" to contain: "${expected}"`, msg);
}

/** Fails unless the array holds all the values, by deep equality. */
export function assertArrayIncludes<T>(
  actual: ArrayLike<T>,
  expected: ArrayLike<T>,
  msg?: string,
): void {
  const all = Array.from(actual);
  const missing = Array.from(expected).filter((value) => !all.some((one) => equal(one, value)));
  if (missing.length === 0) return;
  throw failure(`Expected actual: "${show(actual)}" to include: "${show(expected)}"`, msg);
}

/** Fails unless every property of `expected` is in `actual`, deeply. */
export function assertObjectMatch(
  // deno-lint-ignore no-explicit-any
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  if (contains(actual, expected)) return;
  throw failure(`Values are not equal${msg ? `: ${msg}` : ""}\n${difference(actual, expected)}\n`);
}

function contains(actual: unknown, expected: unknown): boolean {
  if (!isPlain(expected)) return equal(actual, expected);
  if (typeof actual !== "object" || actual === null) return false;
  return Reflect.ownKeys(expected).every((key) =>
    key in actual && contains((actual as Record<PropertyKey, unknown>)[key], expected[key])
  );
}

function isPlain(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === "object" && value !== null &&
    Object.getPrototypeOf(value) === Object.prototype;
}

/** Fails unless the value is an instance of the class. */
export function assertInstanceOf<T>(
  actual: unknown,
  expectedType: AnyConstructor<T>,
  msg = "",
): asserts actual is T {
  if (actual instanceof expectedType) return;
  throw failure(
    `Expected object to be an instance of "${expectedType.name}" but was ${show(actual)}`,
    msg,
  );
}

/** Fails if the value is null or undefined. */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  if (actual !== undefined && actual !== null) return;
  throw failure(`Expected actual: "${actual}" to not be null or undefined`, msg);
}

/** Fails unless `actual > expected`. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (actual > expected) return;
  throw failure(`Expect ${show(actual)} > ${show(expected)}`, msg);
}

/** Fails unless `actual >= expected`. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (actual >= expected) return;
  throw failure(`Expect ${show(actual)} >= ${show(expected)}`, msg);
}

/** Fails unless `actual < expected`. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (actual < expected) return;
  throw failure(`Expect ${show(actual)} < ${show(expected)}`, msg);
}

/** Fails unless `actual <= expected`. */
export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (actual <= expected) return;
  throw failure(`Expect ${show(actual)} <= ${show(expected)}`, msg);
}
