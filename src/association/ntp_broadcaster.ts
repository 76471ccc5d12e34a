import { SymmetricKey } from "../auth/symmetric_key.ts";
import { signed } from "../client/request.ts";
import { isMulticast } from "../packet/ip_address.ts";
import { MODE_BROADCAST } from "../packet/mode.ts";
import { NTPServer } from "../server/ntp_server.ts";
import { MAX_STRATUM, type SystemVariables } from "../server/system_variables.ts";
import { Endpoint } from "../transport/endpoint.ts";
import { fuzzed, makeOwnPacket } from "./own_packet.ts";
import { type AssociationWorld, checkWorld } from "./world.ts";

/** Shortest and longest interval, in seconds. */
const MIN_INTERVAL = 1, MAX_INTERVAL = 131072;

/** Where broadcasts go to. */
export interface BroadcastTarget {
  /**
   * Broadcast address of a subnet (`"192.0.2.255"`) or multicast group (`"224.0.1.1"`,
   * `"ff02::101%eth0"`, `"ff05::101"`).
   */
  address: string;
  /** Port, 1 to 65535. Default 123. */
  port?: number;
  /** How many routers a multicast may pass: time to live or hop limit, 1 to 255. Default 1: none. */
  hopLimit?: number;
  /** Outgoing interface of multicasts: its name or one of its addresses. Default: the route's. */
  networkInterface?: string;
}

/** Options of {@linkcode NTPBroadcaster}. */
export interface NTPBroadcasterOptions extends AssociationWorld {
  /**
   * Our own server: broadcasts leave from its port, and it answers what their hearers ask. For
   * multicast groups it must listen with `multicast: true`.
   */
  server: NTPServer;
  /** Where to: one or several. */
  targets: readonly (BroadcastTarget | string)[];
  /** Seconds between two broadcasts, 1 to 131072. Default 64. */
  interval?: number;
  /**
   * Tell in each broadcast when the one before it left (RFC 9769 §4), as the kernel says where the
   * transport is native. Hearers that do not know of it take no harm. Default false.
   */
  interleaved?: boolean;
  /** Key to sign with. Without one nobody should believe what they hear. */
  key?: SymmetricKey;
  /** Told what is unwise. Default: `console.warn`. */
  onWarning?: (message: string) => void;
  /** Told of errors; none of them ends the broadcasts. Default: they are only counted. */
  onError?: (error: Error) => void;
}

/** What a broadcaster has done. */
export interface BroadcasterStatistics {
  /** Datagrams sent. */
  readonly sent: number;
  /** Datagrams that could not be sent. */
  readonly failed: number;
  /** Rounds in which nothing was said, since the server does not know the time. */
  readonly silent: number;
}

/** A target, checked. */
interface Target {
  readonly endpoint: Endpoint;
  readonly isMulticast: boolean;
  readonly hopLimit: number;
  readonly networkInterface: string | undefined;
  /** When the latest broadcast left; 0, not known. */
  departure: bigint;
}

/** Whether there is anything to tell. */
function hasTime({ leapIndicator, stratum }: SystemVariables): boolean {
  return leapIndicator !== 3 && stratum < MAX_STRATUM;
}

function checkTarget(target: BroadcastTarget | string, i: number): Target {
  const given = typeof target === "string" ? { address: target } : target;
  const { address, port = 123, hopLimit = 1 } = given;
  const name = `targets[${i}]`;
  // To look for the interface takes long: not between telling the time and sending it.
  const [group, scope] = typeof address === "string" ? address.split("%") : [""];
  const { networkInterface = scope } = given;
  const endpoint = new Endpoint(group!, port);
  if (endpoint.family === 0) {
    throw new TypeError(`${name}: address is an IP address, not ${JSON.stringify(address)}`);
  }
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new RangeError(`${name}: port is a whole number from 1 to 65535, not ${port}`);
  }
  if (!Number.isInteger(hopLimit) || hopLimit < 1 || hopLimit > 255) {
    throw new RangeError(`${name}: hopLimit is a whole number from 1 to 255, not ${hopLimit}`);
  }
  const multicast = isMulticast(endpoint.bytes);
  if (endpoint.family === 6 && !multicast) {
    throw new RangeError(`${name}: ${address} is no multicast group; IPv6 has no broadcast`);
  }
  if (scope !== undefined && networkInterface !== scope) {
    throw new RangeError(`${name}: networkInterface ${networkInterface} is not that of ${address}`);
  }
  return { endpoint, isMulticast: multicast, hopLimit, networkInterface, departure: 0n };
}

/**
 * Tells the time to whoever listens, in subnets and multicast groups (RFC 5905 §3, mode 5).
 *
 * @example A server that also broadcasts, signed
 * ```ts
 * import { NTPBroadcaster, NTPServer, SymmetricKey } from "@ntps/ntps";
 *
 * const key = new SymmetricKey({ id: 1, type: "AES128", secret: new Uint8Array(16) });
 * const server = new NTPServer({ refid: "GPS", keys: [key] });
 * const broadcaster = new NTPBroadcaster({
 *   server,
 *   key,
 *   targets: ["192.0.2.255", { address: "224.0.1.1", hopLimit: 4 }],
 *   interval: 16,
 * });
 * // await server.listen({ multicast: true });
 * // broadcaster.start();
 * broadcaster.close();
 * ```
 */
export class NTPBroadcaster implements Disposable {
  readonly #options: NTPBroadcasterOptions;
  readonly #targets: readonly Target[];
  readonly #interval: number;
  #cancel: (() => void) | undefined;
  #endListening = (): void => {};
  #sent = 0;
  #failed = 0;
  #silent = 0;

  /**
   * Makes a broadcaster; it does nothing before {@linkcode NTPBroadcaster.start}.
   *
   * @param options where to and how often
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if an option is out of range
   */
  constructor(options: NTPBroadcasterOptions) {
    const { server, targets, interval = 64, key, interleaved = false } = options;
    if (!(server instanceof NTPServer)) {
      throw new TypeError(`server is an NTPServer, not ${String(server)}`);
    }
    if (!Array.isArray(targets)) throw new TypeError(`targets is a list, not ${String(targets)}`);
    if (targets.length === 0) throw new RangeError("targets is a list of one target at least");
    if (typeof interval !== "number") {
      throw new TypeError(`interval is a number of seconds, not ${typeof interval}`);
    }
    if (!(interval >= MIN_INTERVAL && interval <= MAX_INTERVAL)) {
      throw new RangeError(
        `interval lies from ${MIN_INTERVAL} to ${MAX_INTERVAL} s, not ${interval}`,
      );
    }
    if (key !== undefined && !(key instanceof SymmetricKey)) {
      throw new TypeError(`key is a SymmetricKey, not ${typeof key}`);
    }
    if (typeof interleaved !== "boolean") {
      throw new TypeError(`interleaved is a boolean, not ${String(interleaved)}`);
    }
    checkWorld(options);
    this.#targets = targets.map(checkTarget);
    this.#options = options;
    this.#interval = interval;
  }

  /**
   * Begins to broadcast, at once and then once an interval.
   *
   * @throws {NTPError} `unsupported` if the server's socket cannot, or `address-unavailable` if an
   * interface does not exist
   */
  start(): void {
    const { server, key, signal, onWarning = console.warn } = this.#options;
    const { timers } = checkWorld(this.#options);
    if (this.#cancel !== undefined || signal?.aborted) return;
    if (key === undefined) {
      onWarning("Broadcasts without a key: whoever believes them believes anybody on that network");
    }
    for (const target of this.#targets) this.#prepare(target);
    const again = (): void => {
      this.#cancel = timers.after(this.#interval * 1000, again);
      if (!hasTime(server.systemVariables())) this.#silent++;
      else for (const target of this.#targets) this.#tell(target);
    };
    const onAbort = (): void => this.close();
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#endListening = () => signal?.removeEventListener("abort", onAbort);
    again();
  }

  /** What has been done so far. */
  statistics(): BroadcasterStatistics {
    return { sent: this.#sent, failed: this.#failed, silent: this.#silent };
  }

  /** Ends the broadcasts. Calling it again is harmless; `start()` begins anew. */
  close(): void {
    this.#endListening();
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** {@linkcode NTPBroadcaster.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Sets the server's socket up for a target; another one, or another broadcaster's, wants it else. */
  #prepare({ endpoint, isMulticast, hopLimit, networkInterface }: Target): void {
    const transport = this.#options.server.transportFor(endpoint);
    if (!isMulticast) transport?.allowBroadcast();
    else {
      transport?.configureMulticast({
        ...(endpoint.family !== 0 && { family: endpoint.family }),
        hopLimit,
        ...(networkInterface !== undefined && { networkInterface }),
      });
    }
  }

  #tell(target: Target): void {
    const { server, key, interleaved = false, onError } = this.#options;
    try {
      this.#prepare(target);
      const { random } = checkWorld(this.#options);
      const { clock } = server;
      const variables = server.systemVariables();
      const poll = Math.round(Math.log2(this.#interval));
      const time = fuzzed(clock.now(), clock.precision, random);
      const origin = interleaved ? target.departure : 0n;
      const packet = makeOwnPacket(MODE_BROADCAST, 4, poll, variables, origin, 0n, time);
      const bytes = key === undefined ? packet : signed(packet, key, 4);
      target.departure = 0n; // it may never be known of this one
      const outcome = server.sendTimed(bytes, target.endpoint, (departure) => {
        target.departure = departure;
      });
      if (outcome === "sent" || outcome === "queued") this.#sent++;
      else this.#failed++;
    } catch (error) {
      this.#failed++;
      onError?.(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
