import { NTPError, type NTPErrorCode } from "../packet/error.ts";
import { describeLeapIndicator } from "../packet/leap_indicator.ts";
import { describeReferenceId } from "../packet/reference_id.ts";
import {
  addSeconds,
  DEFAULT_PIVOT,
  timestampToDate,
  timestampToUnixNanoseconds,
} from "../packet/timestamp.ts";
import { abortedError } from "../transport/aborted_error.ts";
import { Endpoint } from "../transport/endpoint.ts";
import { exchange } from "./exchange.ts";
import { accepted, type Exchange, measure, type Measurement } from "./measurement.ts";
import { type CheckedOptions, checkHost, checkOptions, type QueryOptions } from "./options.ts";
import { findFault } from "./validate.ts";

/** One valid exchange: the reply, its times, and what it says about the clock. */
export interface Sample extends Exchange, Measurement {}

/** One request that was made, and what became of it. */
export interface Attempt {
  /** Address asked. */
  readonly hostname: string;
  /** What went wrong; absent when the reply was good. */
  readonly error?: NTPError;
}

/** What a query found out. It has been validated: see {@linkcode query}. */
export interface QueryResult extends Sample {
  /** IP address that answered. */
  readonly hostname: string;
  /** Port that was asked. */
  readonly port: number;
  /** The right time at the moment the reply arrived, T4 + offset: an NTP timestamp. */
  readonly time: bigint;
  /** The same in Unix nanoseconds, in the era nearest to the client's clock. */
  readonly unixNanoseconds: bigint;
  /** The same as a `Date`, in the era nearest to the client's clock. */
  readonly date: Date;
  /** How much the samples differ: root mean square of their offsets against the best, in seconds. */
  readonly jitter: number;
  /** All valid samples, in the order of time; `packet`, `offset` and so on are the best one's. */
  readonly samples: readonly Sample[];
  /** All requests that were made, in the order of time. */
  readonly attempts: readonly Attempt[];
  /** What the leap indicator means. */
  readonly leapDescription: string;
  /** What the reference identifier means. */
  readonly referenceDescription: string;
}

/** Which error tells most, if several addresses fail in several ways. */
const TELLING: readonly NTPErrorCode[] = [
  "kiss-of-death",
  "unsynchronized",
  "bogus",
  "authentication",
  "refused",
  "permission",
  "timeout",
];

function asNTPError(error: unknown): NTPError {
  if (error instanceof NTPError) return error;
  throw error; // a mistake of ours or of a function passed in
}

/** Makes one exchange, as {@linkcode exchange} does. */
export type Exchanger = (server: Endpoint, options: CheckedOptions) => Promise<Exchange>;

const ownSocket: Exchanger = (server, options) => exchange(server, options, options);

/** Makes one exchange with `server` and believes it only when it passes the sanity tests. */
async function takeSample(
  server: Endpoint,
  options: CheckedOptions,
  exchanger: Exchanger,
): Promise<Sample> {
  const result = await exchanger(server, options);
  const measurement = measure(result, options.clock.precision);
  const fault = findFault(result, measurement, `${server}`, options);
  if (fault !== undefined) throw fault;
  return { ...result, ...accepted(measurement) };
}

function wait(milliseconds: number, { timers, signal }: CheckedOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      cancel();
      reject(abortedError("waiting to ask again", signal!));
    };
    const cancel = timers.after(milliseconds, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    if (signal?.aborted) onAbort();
    else signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** The error to throw when no address gave the time. */
function mostTelling(errors: readonly NTPError[]): NTPError {
  const rank = ({ code }: NTPError) => {
    const at = TELLING.indexOf(code);
    return at < 0 ? TELLING.length : at;
  };
  const [first, ...others] = [...errors].sort((a, b) => rank(a) - rank(b));
  if (others.length > 0) first!.cause ??= new AggregateError(errors, "every address failed");
  return first!;
}

/** Root mean square of the offsets against the best one (RFC 5905 §10). */
function jitterOf(samples: readonly Sample[], best: Sample): number {
  if (samples.length < 2) return 0;
  const squares = samples.reduce((sum, { offset }) => sum + (offset - best.offset) ** 2, 0);
  return Math.sqrt(squares / (samples.length - 1));
}

function summarize(
  samples: readonly Sample[],
  attempts: readonly Attempt[],
  server: Endpoint,
  { clock }: CheckedOptions,
): QueryResult {
  const best = samples.reduce((a, b) => b.delay < a.delay ? b : a);
  const time = addSeconds(best.destinationTimestamp, best.offset);
  const pivot = clock.unixNanoseconds?.() ?? DEFAULT_PIVOT;
  return {
    ...best,
    hostname: server.hostname,
    port: server.port,
    time,
    unixNanoseconds: timestampToUnixNanoseconds(time, pivot),
    date: timestampToDate(time, pivot),
    jitter: jitterOf(samples, best),
    samples,
    attempts,
    leapDescription: describeLeapIndicator(best.packet.leapIndicator),
    referenceDescription: describeReferenceId(best.packet.referenceId, best.packet.stratum),
  };
}

async function endpointsOf(host: string, options: CheckedOptions): Promise<Endpoint[]> {
  const { family, nts, resolve, signal } = options;
  // With NTS it is the key exchange that says whom to ask (RFC 8915 §4.1.7 and §4.1.8).
  const { hostname, port } = await nts?.ready(signal) ?? { hostname: host, port: options.port };
  const addresses = await resolve(hostname, {
    ...(family !== undefined && { family }),
    ...(signal !== undefined && { signal }),
  });
  return addresses.map((address) => new Endpoint(address, port));
}

/** Asks one server as often as wanted; adds what happens to `attempts`. */
async function burst(
  server: Endpoint,
  options: CheckedOptions,
  attempts: Attempt[],
  exchanger: Exchanger,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  let retries = options.retries;
  for (let i = 0; i < options.samples; i++) {
    if (i > 0) await wait(options.intervalMs, options);
    try {
      samples.push(await takeSample(server, options, exchanger));
      attempts.push({ hostname: server.hostname });
    } catch (thrown) {
      const error = asNTPError(thrown);
      if (error.code === "aborted") throw error;
      attempts.push({ hostname: server.hostname, error });
      // Only silence is worth asking again, and what may be forged counts as silence; after a
      // kiss-o'-death it would be forbidden.
      if (error.code !== "timeout" && error.code !== "authentication") break;
      if (samples.length > 0) continue;
      if (retries-- === 0) break;
      i--;
    }
  }
  return samples;
}

/**
 * Asks a server for the time. The addresses of a name are tried in turn until one gives it.
 *
 * What is returned has been validated: the reply came from the address asked and gives back the
 * request's random timestamp, its sender is synchronised, and its times make sense (RFC 5905 §8
 * and §9.2). Other datagrams are ignored while waiting.
 *
 * @param host name or IP address
 * @param options all optional
 * @throws {TypeError} if an option has the wrong type
 * @throws {RangeError} if an option is out of range
 * @throws {NTPError} `timeout`, `refused`, `unreachable`, `kiss-of-death` (a
 * {@linkcode KissOfDeathError}, with its code), `unsynchronized`, `bogus`, `authentication`,
 * `not-found`, `aborted`, or what binding a socket or the key exchange of `nts` threw; of several addresses' errors the most
 * telling one
 *
 * @example Asking a server of one's own
 * ```ts
 * import { NTPServer, query } from "@ntps/ntps";
 * import { assert } from "@std/assert";
 *
 * const server = new NTPServer();
 * const { port } = await server.listen({ hostname: "127.0.0.1", port: 0 });
 * const { offset, rootDistance } = await query("127.0.0.1", { port });
 * assert(Math.abs(offset) <= rootDistance);
 * await server.close();
 * ```
 */
export async function query(host: string, options: QueryOptions = {}): Promise<QueryResult> {
  checkHost("host", host);
  return await queryBy(host, checkOptions(options), ownSocket);
}

/**
 * {@linkcode query} once its arguments are checked.
 *
 * @param host name or IP address
 * @param options all of them
 * @param exchanger what makes the exchanges
 */
export async function queryBy(
  host: string,
  options: CheckedOptions,
  exchanger: Exchanger,
): Promise<QueryResult> {
  const attempts: Attempt[] = [];
  for (const server of await endpointsOf(host, options)) {
    const samples = await burst(server, options, attempts, exchanger);
    if (samples.length > 0) return summarize(samples, attempts, server, options);
  }
  throw mostTelling(attempts.map(({ error }) => error!));
}

/** A reply that nobody has validated; see {@linkcode queryRaw}. */
export interface RawReply extends Exchange {
  /** IP address that answered. */
  readonly hostname: string;
  /** Port that was asked. */
  readonly port: number;
  /** What {@linkcode query} would have thrown; absent when it would have believed the reply. */
  readonly fault?: NTPError;
}

/**
 * Asks once and returns the reply, whatever it says: a kiss-o'-death, a server without time,
 * nonsense. Only source address and origin timestamp have been checked. For diagnosis; to know the
 * time use {@linkcode query}.
 *
 * @param host name or IP address; of several addresses the first is asked
 * @param options as for {@linkcode query}; `retries`, `samples` and `intervalMs` have no meaning here
 * @throws {TypeError} if an option has the wrong type
 * @throws {RangeError} if an option is out of range
 * @throws {NTPError} `timeout`, `refused`, `unreachable`, `not-found`, `aborted`, or what binding a
 * socket threw
 *
 * @example A server that does not know the time
 * ```ts
 * import { NTPServer, queryRaw } from "@ntps/ntps";
 * import { assertEquals } from "@std/assert";
 *
 * const server = new NTPServer({ stratum: 16 });
 * const { port } = await server.listen({ hostname: "127.0.0.1", port: 0 });
 * const { packet, fault } = await queryRaw("127.0.0.1", { port });
 * assertEquals(packet.leapIndicator, 3);
 * assertEquals(fault?.code, "unsynchronized");
 * await server.close();
 * ```
 */
export async function queryRaw(host: string, options: QueryOptions = {}): Promise<RawReply> {
  checkHost("host", host);
  const checked = checkOptions(options);
  const [server] = await endpointsOf(host, checked);
  const result = await exchange(server!, checked, checked);
  const fault = findFault(result, measure(result, checked.clock.precision), `${server}`, checked);
  return {
    ...result,
    hostname: server!.hostname,
    port: server!.port,
    ...(fault !== undefined && { fault }),
  };
}
