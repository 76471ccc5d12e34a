import type { Random } from "../client/request.ts";
import type { ResolveHost } from "../client/options.ts";
import type { Clock } from "../clock/clock.ts";
import { SteadyClock } from "../clock/steady_clock.ts";
import { systemTimers, type Timers } from "../clock/timers.ts";
import type { NtsSessions } from "../nts/nts_source.ts";
import { bindUdp } from "../transport/bind_udp.ts";
import { localAddresses } from "../transport/local_addresses.ts";
import { resolveHost } from "../transport/resolve.ts";
import type { BindUdp } from "../transport/udp_transport.ts";
import { NO_CLIENT } from "./candidates.ts";
import type { NTPSync } from "./ntp_sync.ts";
import {
  poolInput,
  serverInput,
  type SyncPoolOptions,
  type SyncServerOptions,
} from "./server_options.ts";
import type { SyncEngineOptions } from "./sync_engine.ts";
import type { SyncInput } from "./sync_input.ts";

/** Options of {@linkcode NTPSync.start}. */
export interface NTPSyncOptions extends Omit<SyncEngineOptions, "clock" | "timers"> {
  /** Servers to follow: names or IP addresses, or more about them. */
  servers?: readonly (string | SyncServerOptions)[];
  /** Pools to follow: names with several addresses, or more about them. */
  pools?: readonly (string | SyncPoolOptions)[];
  /** Exchanges keys for the servers and pools whose `nts` is true: an `NtsClient`. Default: none. */
  nts?: NtsSessions;
  /** Further sources: broadcasts, reference clocks, sources of one's own. */
  inputs?: readonly SyncInput[];
  /**
   * How long to wait until the clock is set, in milliseconds, above 0; Infinity: for ever. Default
   * 15,000.
   */
  timeoutMs?: number;
  /** Ends the synchronisation when it fires. */
  signal?: AbortSignal;
  /** Called after each sample that was taken. */
  onUpdate?: (sync: NTPSync) => void;
  /** Called when a source comes, goes, or is treated otherwise than before. */
  onChange?: (sync: NTPSync) => void;
  /** Called with what the two before have thrown. Default: it is thrown again, out of a timer. */
  onError?: (error: Error) => void;
  /**
   * The clock to be corrected: a steady one, which nobody sets; it is only read. Default: a
   * `SteadyClock`.
   */
  clock?: Clock;
  /**
   * A clock that goes on while the machine sleeps, in milliseconds: when it jumps against `clock` by
   * more than a second, all servers are asked anew, and the clock may step. Default: `Date.now`, or
   * none where `clock` is given.
   */
  wallMs?: () => number;
  /** How to wait. Default: the runtime's timers. */
  timers?: Timers;
  /** Fills bytes with random ones. Default: `crypto.getRandomValues`. */
  random?: Random;
  /** How sockets are made. Default: the runtime's own UDP. */
  bind?: BindUdp;
  /** Names to addresses. Default: the resolver of the operating system. */
  resolve?: ResolveHost;
  /**
   * Addresses of this machine: left out of pools, and who follows one of them is no source. Default:
   * those of its network interfaces; none where sockets are not the runtime's own.
   */
  ownAddresses?: readonly string[];
}

/** {@linkcode NTPSyncOptions} with all defaults filled in. */
export interface CheckedSyncOptions {
  readonly inputs: readonly SyncInput[];
  readonly nts: NtsSessions | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
  readonly wallMs: (() => number) | undefined;
  readonly timers: Timers;
  readonly random: Random;
  readonly bind: BindUdp;
  readonly resolve: ResolveHost;
  readonly ownAddresses: () => Promise<readonly string[]>;
}

const FUNCTIONS = [
  "onUpdate",
  "onChange",
  "onError",
  "wallMs",
  "random",
  "bind",
  "resolve",
] as const;

/**
 * Checks the options and fills in the defaults; those of the engine are its own.
 *
 * @throws {TypeError} if an option has the wrong type
 * @throws {RangeError} if an option is out of range
 */
export function checkSyncOptions(options: NTPSyncOptions): CheckedSyncOptions {
  const { servers = [], pools = [], inputs = [], timeoutMs = 15_000, signal } = options;
  const { clock, wallMs, timers, ownAddresses, bind, nts } = options;
  for (const name of FUNCTIONS) {
    const value = options[name];
    if (value === undefined || typeof value === "function") continue;
    throw new TypeError(`${name} is a function, not ${String(value)}`);
  }
  for (const [name, value] of Object.entries({ servers, pools, inputs })) {
    if (!Array.isArray(value)) throw new TypeError(`${name} is an array, not ${String(value)}`);
  }
  for (const input of inputs) checkInput(input);
  if (nts !== undefined && typeof nts?.session !== "function") {
    throw new TypeError(`nts is an NtsClient, and so has session(), unlike ${String(nts)}`);
  }
  if (typeof timeoutMs !== "number") {
    throw new TypeError(`timeoutMs is a number, not ${typeof timeoutMs}: ${String(timeoutMs)}`);
  }
  if (!(timeoutMs > 0)) throw new RangeError(`timeoutMs lies above 0, not ${timeoutMs}`);
  if (signal !== undefined && typeof signal?.addEventListener !== "function") {
    throw new TypeError(`signal is an AbortSignal, not ${String(signal)}`);
  }
  if (clock !== undefined && typeof clock?.read !== "function") {
    throw new TypeError(`clock is an object with read(), not ${String(clock)}`);
  }
  if (timers !== undefined && typeof timers?.after !== "function") {
    throw new TypeError(`timers is an object with after(), not ${String(timers)}`);
  }
  const all = [...servers.map(serverInput), ...pools.map(poolInput), ...inputs];
  if (all.length === 0) {
    throw new TypeError("servers, pools or inputs name somebody to follow: there is nobody");
  }
  for (const one of [...servers, ...pools]) {
    if (typeof one === "object" && one.nts === true && nts === undefined) {
      throw new TypeError(`nts of ${one.hostname} is true: ${NO_CLIENT}`);
    }
  }
  return {
    inputs: all,
    nts,
    timeoutMs,
    signal,
    clock: clock ?? new SteadyClock(),
    wallMs: wallMs ?? (clock === undefined ? () => Date.now() : undefined),
    timers: timers ?? systemTimers,
    random: options.random ??
      ((into) => void crypto.getRandomValues(into as Uint8Array<ArrayBuffer>)),
    bind: bind ?? bindUdp,
    resolve: options.resolve ?? resolveHost,
    ownAddresses: ownAddresses !== undefined || (bind !== undefined && bind !== bindUdp)
      ? () => Promise.resolve(ownAddresses ?? [])
      : localAddresses,
  };
}

/**
 * Checks an input.
 *
 * @throws {TypeError} if it is none
 */
export function checkInput(input: SyncInput): void {
  if (typeof input?.start === "function" && typeof input.close === "function") return;
  throw new TypeError(`an input is an object with start() and close(), not ${String(input)}`);
}
