import { SymmetricKey } from "../auth/symmetric_key.ts";
import type { Clock } from "../clock/clock.ts";
import type { NtsSource } from "../nts/nts_source.ts";
import { SystemClock } from "../clock/system_clock.ts";
import { systemTimers, type Timers } from "../clock/timers.ts";
import type { Version } from "../packet/packet.ts";
import type { TransportName } from "../transport/bind_udp.ts";
import { resolveHost, type ResolveOptions } from "../transport/resolve.ts";
import { binderOf } from "../transport/transport_option.ts";
import type { BindUdp } from "../transport/udp_transport.ts";
import type { Random } from "./request.ts";
import { MAX_ROOT_DISTANCE } from "./validate.ts";

/** Finds the addresses of a name, in the order to try them, as `resolveHost` does. */
export type ResolveHost = (hostname: string, options: ResolveOptions) => Promise<string[]>;

/** Options of a query. */
export interface QueryOptions {
  /** Port to ask, 1 to 65535. Default 123. */
  port?: number;
  /** How long to wait for each reply, in milliseconds, above 0. Default 5000. */
  timeoutMs?: number;
  /** How often to ask an address again that did not answer, 0 to 100. Default 0. */
  retries?: number;
  /** How many exchanges to make, 1 to 1000; the one with the least delay counts. Default 1. */
  samples?: number;
  /**
   * Time between two exchanges of a burst, in milliseconds, 0 or more. Default 2000: servers that
   * limit rates take less as a flood.
   */
  intervalMs?: number;
  /** Ask only addresses of this family, 4 or 6. Default both, in the order of the resolver. */
  family?: 4 | 6;
  /** Protocol version to ask in, 1 to 4. Default 4. */
  version?: Version;
  /** Local port, 0 to 65535. Default 0: a random one for each exchange (RFC 9109). */
  sourcePort?: number;
  /**
   * Root distance, in seconds, from which a reply is refused, above 0. Default 16 (RFC 5905:
   * MAXDISP).
   */
  maxRootDistance?: number;
  /**
   * Key that server and client share: the request is signed with it, and only a reply signed with it
   * is believed. What else is answered could be forged, so the wait for that one goes on, and a key
   * that the server does not know is told at the end of `timeoutMs`. Default: none.
   */
  key?: SymmetricKey;
  /**
   * A session of NTS (RFC 8915), such as an `NtsSession` of `@ntps/ntps/nts`: requests carry its
   * cookies, and only replies that are sealed with its keys are believed, as with `key`. The server
   * asked is the one that its key exchange names, at that port. Default: none.
   */
  nts?: NtsSource;
  /** Aborts the query. */
  signal?: AbortSignal;
  /** The clock to compare with the server's. Default: the system's. */
  clock?: Clock;
  /** How to wait. Default: the runtime's timers. */
  timers?: Timers;
  /** Fills bytes with random ones. Default: `crypto.getRandomValues`. */
  random?: Random;
  /**
   * Which kind of sockets: `"native"`, the system calls of Linux, whose kernel stamps replies;
   * `"portable"`, those of the runtime. Default `"auto"`: native where that is permitted.
   */
  transport?: TransportName;
  /** How sockets are made, in place of `transport`. */
  bind?: BindUdp;
  /** Names to addresses. Default: the resolver of the operating system. */
  resolve?: ResolveHost;
}

/** {@linkcode QueryOptions} with all defaults filled in. */
export type CheckedOptions =
  & Required<Omit<QueryOptions, "family" | "key" | "nts" | "signal" | "transport">>
  & Pick<QueryOptions, "family" | "key" | "nts" | "signal">;

/** Least and greatest value of the whole-number options. */
const WHOLE: Readonly<Record<string, readonly [number, number]>> = {
  port: [1, 65535],
  retries: [0, 100],
  samples: [1, 1000],
  version: [1, 4],
  sourcePort: [0, 65535],
};

/** Longest time that timers can wait, in milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1;

let shared: SystemClock | undefined;

/** One system clock for all queries: making one costs measuring its precision. */
function systemClock(): SystemClock {
  return shared ??= new SystemClock();
}

function checkNumber(name: string, value: unknown): asserts value is number {
  if (typeof value !== "number") {
    throw new TypeError(`${name} is a number, not ${typeof value}: ${String(value)}`);
  }
}

/**
 * Checks the name of a server.
 *
 * @param name what to call it in an error
 * @param host name or IP address
 * @throws {TypeError} if it is not a string, or empty
 */
export function checkHost(name: string, host: string): string {
  if (typeof host !== "string" || host === "") {
    throw new TypeError(`${name} is a host name or an IP address, not ${JSON.stringify(host)}`);
  }
  return host;
}

/**
 * Checks the options of a query and fills in the defaults.
 *
 * @param options as the caller gave them
 * @throws {TypeError} if an option has the wrong type
 * @throws {RangeError} if an option is out of range
 */
export function checkOptions(options: QueryOptions): CheckedOptions {
  const checked: CheckedOptions = {
    port: options.port ?? 123,
    timeoutMs: options.timeoutMs ?? 5000,
    retries: options.retries ?? 0,
    samples: options.samples ?? 1,
    intervalMs: options.intervalMs ?? 2000,
    version: options.version ?? 4,
    sourcePort: options.sourcePort ?? 0,
    maxRootDistance: options.maxRootDistance ?? MAX_ROOT_DISTANCE,
    clock: options.clock ?? systemClock(),
    timers: options.timers ?? systemTimers,
    random: options.random ??
      ((into) => void crypto.getRandomValues(into as Uint8Array<ArrayBuffer>)),
    bind: binderOf(options),
    resolve: options.resolve ?? resolveHost,
    ...(options.family !== undefined && { family: options.family }),
    ...(options.key !== undefined && { key: options.key }),
    ...(options.nts !== undefined && { nts: options.nts }),
    ...(options.signal !== undefined && { signal: options.signal }),
  };
  for (const [name, [least, most]] of Object.entries(WHOLE)) {
    const value = checked[name as keyof CheckedOptions];
    checkNumber(name, value);
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new RangeError(`${name} is a whole number from ${least} to ${most}, not ${value}`);
    }
  }
  const { timeoutMs, intervalMs, maxRootDistance, family, signal } = checked;
  checkNumber("timeoutMs", timeoutMs);
  if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMER_MS)) {
    throw new RangeError(`timeoutMs lies above 0 and up to ${MAX_TIMER_MS}, not ${timeoutMs}`);
  }
  checkNumber("intervalMs", intervalMs);
  if (!(intervalMs >= 0 && intervalMs <= MAX_TIMER_MS)) {
    throw new RangeError(`intervalMs lies from 0 to ${MAX_TIMER_MS}, not ${intervalMs}`);
  }
  checkNumber("maxRootDistance", maxRootDistance);
  if (!(maxRootDistance > 0)) {
    throw new RangeError(`maxRootDistance lies above 0 seconds, not ${maxRootDistance}`);
  }
  if (family !== undefined && family !== 4 && family !== 6) {
    throw new RangeError(`family is 4 or 6, not ${String(family)}`);
  }
  if (options.key !== undefined && !(options.key instanceof SymmetricKey)) {
    throw new TypeError(`key is a SymmetricKey, not ${typeof options.key}`);
  }
  checkNts(checked);
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(`signal is an AbortSignal, not ${String(signal)}`);
  }
  for (
    const [name, method] of [["clock", "read"], ["clock", "now"], ["timers", "after"]] as const
  ) {
    const value = checked[name] as unknown as Record<string, unknown> | null;
    if (typeof value?.[method] !== "function") {
      throw new TypeError(`${name} is an object with ${method}(), not ${String(value)}`);
    }
  }
  for (const name of ["random", "bind", "resolve"] as const) {
    if (typeof checked[name] !== "function") {
      throw new TypeError(`${name} is a function, not ${String(checked[name])}`);
    }
  }
  return checked;
}

function checkNts({ nts, key, version }: CheckedOptions): void {
  if (nts === undefined) return;
  if (typeof nts?.ready !== "function" || typeof nts.protect !== "function") {
    throw new TypeError(`nts is an NtsSession, and so has ready() and protect(), unlike ${nts}`);
  }
  if (key !== undefined) throw new TypeError("Either key or nts is given, not both");
  if (version !== 4) throw new RangeError(`version is 4 with nts, not ${version}`);
}
