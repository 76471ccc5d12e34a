import { referenceIdFromText } from "../packet/reference_id.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import { AccessList, type AccessRule } from "./access.ts";
import { DROP_ACCESS, DROP_RATE } from "./drop_reason.ts";
import { KissBudget, type KissTable, makeKissTable } from "./kiss_budget.ts";
import type { RateLimitOptions } from "./rate_limit_options.ts";
import { makeRateLimitTable, type RateLimitTable } from "./rate_limit_table.ts";
import { RateLimiter } from "./rate_limiter.ts";

/** {@linkcode Admission.judge}: serve the request, whoever sent it. */
export const SERVE = 0;
/** {@linkcode Admission.judge}: serve the request if it is authenticated. */
export const SERVE_AUTHENTICATED = 1;

/** Kiss code for addresses that a rule tells to go away. */
const DENY: number = referenceIdFromText("DENY");
/** Kiss code for clients that ask too often. */
export const RATE: number = referenceIdFromText("RATE");

/** Who is let in: access rules and rate limit, judged by address alone. */
export class Admission {
  /** The limiter, if there is one. */
  readonly rateLimiter: RateLimiter | undefined;
  readonly #access: AccessList | undefined;
  readonly #limitsAll: boolean;
  readonly #kisses: KissBudget;

  /**
   * Puts rules and limit together. Where a rule says `"limited"`, the limit is for the addresses of
   * such rules; else it is for all.
   *
   * @param access rules, if there are any
   * @param rateLimiter the limit, if there is one
   * @param kisses how many kisses may be sent
   */
  constructor(
    access: AccessList | undefined,
    rateLimiter: RateLimiter | undefined,
    kisses: KissBudget = new KissBudget(),
  ) {
    this.#access = access;
    this.rateLimiter = rateLimiter;
    this.#limitsAll = access === undefined || !access.limitsSome;
    this.#kisses = kisses;
  }

  /**
   * Whether a rule keeps an address out, whatever it sends. For what is no request.
   *
   * @param source where a datagram came from
   */
  denies(source: Endpoint): boolean {
    const action = this.#access?.actionFor(source.bytes);
    return action === "deny" || action === "kod";
  }

  /**
   * Whether a kiss-o'-death may be sent; it is charged if so.
   *
   * @param source to whom
   * @param arrival when: seconds and fraction words
   */
  allowsKiss(source: Endpoint, arrival: Uint32Array): boolean {
    return this.#kisses.allows(source.bytes, arrival);
  }

  /**
   * Judges a request. Allocates nothing.
   *
   * @param source where it came from
   * @param arrival when: seconds and fraction words
   * @returns {@linkcode SERVE}, {@linkcode SERVE_AUTHENTICATED}, a negative drop reason, or a kiss
   * code (four characters as one number) to reply with
   */
  judge(source: Endpoint, arrival: Uint32Array): number {
    const action = this.#access === undefined ? "allow" : this.#access.actionFor(source.bytes);
    if (action === "deny") return DROP_ACCESS;
    if (action === "kod") return this.#kisses.allows(source.bytes, arrival) ? DENY : DROP_ACCESS;
    if (this.rateLimiter !== undefined && (this.#limitsAll || action === "limited")) {
      const verdict = this.rateLimiter.check(source.bytes, arrival);
      // A whole prefix above its limit is a flood: nobody there would heed a kiss.
      if (verdict === "prefix") return DROP_RATE;
      if (verdict === "address") {
        return this.#kisses.allows(source.bytes, arrival) ? RATE : DROP_RATE;
      }
    }
    return action === "require-auth" ? SERVE_AUTHENTICATED : SERVE;
  }
}

/** The memory of an admission, which threads may share. */
export interface AdmissionTables {
  /** Of the rate limiter, if there is one. */
  readonly rateLimit: RateLimitTable | undefined;
  /** Of the kisses. */
  readonly kisses: KissTable;
}

/**
 * Memory for what a server's options say.
 *
 * @param rateLimit the limit, if there is one
 * @param isShared whether threads may share it
 * @throws {TypeError} if an option has the wrong type
 * @throws {RangeError} if an option is out of range
 */
export function makeAdmissionTables(
  rateLimit: RateLimitOptions | undefined,
  isShared: boolean,
): AdmissionTables {
  if (rateLimit !== undefined && (typeof rateLimit !== "object" || rateLimit === null)) {
    throw new TypeError(`rateLimit is an object, such as {}, not ${String(rateLimit)}`);
  }
  return {
    rateLimit: rateLimit && makeRateLimitTable(rateLimit, isShared),
    kisses: makeKissTable(isShared),
  };
}

/**
 * Puts together what a server's options say.
 *
 * @param access rules, if there are any
 * @param rateLimit the limit, if there is one
 * @param tables its memory. Default: memory of its own
 * @returns `undefined` when everybody is let in
 * @throws {TypeError} if an option has the wrong type, or if a rule says `"limited"` and there is no
 * limit
 * @throws {RangeError} if an option is out of range
 */
export function admissionOf(
  access: readonly AccessRule[] | undefined,
  rateLimit: RateLimitOptions | undefined,
  tables: AdmissionTables = makeAdmissionTables(rateLimit, false),
): Admission | undefined {
  if (access === undefined && rateLimit === undefined) return undefined;
  const list = access === undefined ? undefined : new AccessList(access);
  if (list?.limitsSome && rateLimit === undefined) {
    throw new TypeError(
      'An access rule says "limited", but rateLimit is not given: set it, to {} say',
    );
  }
  return new Admission(
    list,
    rateLimit && new RateLimiter(rateLimit, tables.rateLimit),
    new KissBudget(undefined, tables.kisses),
  );
}
