import { parseIpAddress } from "../packet/ip_address.ts";
import { Endpoint } from "./endpoint.ts";
import type { DatagramHandler, UdpBindOptions } from "./udp_transport.ts";

/** {@linkcode UdpBindOptions}, checked and with the defaults filled in. */
export interface UdpBindSettings {
  /** Local address; undefined when none was asked for. */
  readonly hostname: string | undefined;
  readonly port: number;
  readonly clock: { read(into: Uint32Array): void };
  readonly onDatagram: DatagramHandler;
  readonly onError: ((error: Error) => void) | undefined;
  readonly remote: Endpoint | undefined;
  readonly signal: AbortSignal | undefined;
  readonly reusePort: boolean;
  readonly reuseAddress: boolean;
  readonly ipv6Only: boolean;
  readonly multicast: boolean;
}

const SCRATCH = new Uint8Array(16);

/**
 * Checks the options of `bind` for all adapters.
 *
 * @throws {TypeError} if an option has the wrong type
 * @throws {RangeError} if an option is out of range, or does not go with another
 */
export function checkBindOptions(options: UdpBindOptions): UdpBindSettings {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`options is an object, not ${show(options)}`);
  }
  const { hostname, port = 0, clock, onDatagram, onError, remote, signal } = options;
  const { reusePort = false, reuseAddress = false, ipv6Only = false, multicast = false } = options;
  if (hostname !== undefined) checkHostname("hostname", hostname);
  checkPort("port", port, 0);
  if (typeof clock?.read !== "function") {
    throw new TypeError(`clock is an object with read(into), not ${show(clock)}`);
  }
  checkFunction("onDatagram", onDatagram);
  if (onError !== undefined) checkFunction("onError", onError);
  if (signal !== undefined && typeof signal?.addEventListener !== "function") {
    throw new TypeError(`signal is an AbortSignal, not ${show(signal)}`);
  }
  for (const [name, value] of Object.entries({ reusePort, reuseAddress, ipv6Only, multicast })) {
    if (typeof value !== "boolean") throw new TypeError(`${name} is a boolean, not ${show(value)}`);
  }
  const peer = remote === undefined ? undefined : checkRemote(remote);
  checkFamilies(hostname, peer, ipv6Only);
  if (multicast && peer !== undefined) {
    throw new RangeError(
      `multicast does not go with remote ${peer}: a group is heard from many addresses`,
    );
  }
  return {
    hostname,
    port,
    clock,
    onDatagram,
    onError,
    remote: peer,
    signal,
    reusePort,
    reuseAddress,
    ipv6Only,
    multicast,
  };
}

function checkRemote(remote: { hostname: string; port: number }): Endpoint {
  if (typeof remote !== "object" || remote === null) {
    throw new TypeError(`remote is an object with hostname and port, not ${show(remote)}`);
  }
  checkHostname("remote.hostname", remote.hostname);
  checkPort("remote.port", remote.port, 1);
  const peer = new Endpoint(remote.hostname, remote.port);
  if (peer.family === 0) {
    throw new RangeError(`remote.hostname is an IP address, not ${show(remote.hostname)}`);
  }
  return peer;
}

/** A socket of one family never hears a peer of the other: said now rather than by a timeout. */
function checkFamilies(hostname: string | undefined, remote: Endpoint | undefined, only6: boolean) {
  const local = hostname === undefined ? 0 : parseIpAddress(hostname, SCRATCH);
  if (only6 && local === 4) {
    throw new RangeError(`ipv6Only does not go with the IPv4 hostname ${show(hostname)}`);
  }
  if (remote === undefined) return;
  if (only6 && remote.family === 4) {
    throw new RangeError(`ipv6Only does not go with the IPv4 remote ${remote}`);
  }
  const bothFamilies = local === 6 && SCRATCH.every((byte) => byte === 0);
  if (local !== 0 && local !== remote.family && !bothFamilies) {
    throw new RangeError(
      `remote ${remote} is IPv${remote.family}, and hostname ${show(hostname)} is IPv${local}`,
    );
  }
}

function checkHostname(name: string, value: unknown): asserts value is string {
  if (typeof value !== "string") throw new TypeError(`${name} is a string, not ${show(value)}`);
  if (value === "") throw new RangeError(`${name} is an IP address, not an empty string`);
}

function checkPort(name: string, value: unknown, least: number): asserts value is number {
  if (typeof value !== "number") throw new TypeError(`${name} is a number, not ${show(value)}`);
  if (!Number.isInteger(value) || value < least || value > 65535) {
    throw new RangeError(`${name} is a whole number from ${least} to 65535, not ${value}`);
  }
}

function checkFunction(name: string, value: unknown): void {
  if (typeof value !== "function") throw new TypeError(`${name} is a function, not ${show(value)}`);
}

function show(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
