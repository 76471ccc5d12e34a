import { systemTimers, type Timers } from "../../clock/timers.ts";
import { parseIpAddress } from "../../packet/ip_address.ts";
import { AEAD_IDS } from "../aead/registry.ts";
import { resolveHost, type ResolveOptions } from "../../transport/resolve.ts";
import { isServerName } from "./server_name.ts";
import type { TlsName } from "./tls/tls_engine.ts";

/** Port of key exchanges (RFC 8915 §7.1). */
export const KE_PORT = 4460;

/** Options of {@linkcode establishNts}. */
export interface EstablishNtsOptions {
  /** Port of the key exchange, 1 to 65535. Default 4460. */
  port?: number;
  /**
   * Certificates of those whose signatures count, as text in PEM: for a private CA, or for one server
   * that signed its own. Default: those that runtime or system trust.
   */
  ca?: string;
  /**
   * AEAD algorithms to offer, the preferred ones first: 15, 16, 17 and 30 are known. Default
   * `[15, 30, 17, 16]`: every server has 15.
   */
  aeads?: readonly number[];
  /** How long an exchange with one address may take, in milliseconds, above 0. Default 5000. */
  timeoutMs?: number;
  /** Ask only addresses of this family, 4 or 6. Default both, in the order of the resolver. */
  family?: 4 | 6;
  /** NTP server to ask for, name or IP address; the server may name another. Default: none. */
  ntpHostname?: string;
  /** NTP port to ask for, 1 to 65535; the server may name another. Default: none. */
  ntpPort?: number;
  /** Aborts the exchange. */
  signal?: AbortSignal;
  /** How to wait. Default: the runtime's timers. */
  timers?: Timers;
  /** Names to addresses. Default: the resolver of the operating system. */
  resolve?: (hostname: string, options: ResolveOptions) => Promise<string[]>;
  /**
   * Whose TLS: `"node:tls"`, or `"libssl"`, which is OpenSSL 3 through foreign functions. Default:
   * `node:tls` where it exports keys (Node, Bun), else `libssl` (Deno, with `--allow-ffi`).
   */
  tls?: TlsName;
}

/** {@linkcode EstablishNtsOptions} with all defaults filled in. */
export type CheckedEstablishOptions =
  & Required<Pick<EstablishNtsOptions, "port" | "aeads" | "timeoutMs" | "timers" | "resolve">>
  & Omit<EstablishNtsOptions, "port" | "aeads" | "timeoutMs" | "timers" | "resolve">;

/** The preferred ones first; see {@linkcode EstablishNtsOptions.aeads}. */
const DEFAULT_AEADS: readonly number[] = [15, 30, 17, 16];

/** Longest time that timers can wait, in milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Checks a whole number.
 *
 * @throws {TypeError} if it is no number
 * @throws {RangeError} if it is not whole, or out of range
 */
export function checkWhole(name: string, value: number, least: number, most: number): void {
  if (typeof value !== "number") throw new TypeError(`${name} is a number, not ${typeof value}`);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${name} is a whole number from ${least} to ${most}, not ${value}`);
  }
}

/**
 * Checks a time to wait.
 *
 * @throws {TypeError} if it is no number
 * @throws {RangeError} if it is out of range
 */
export function checkTimeout(name: string, value: number): void {
  if (typeof value !== "number") throw new TypeError(`${name} is a number, not ${typeof value}`);
  if (!(value > 0 && value <= MAX_TIMER_MS)) {
    throw new RangeError(`${name} lies above 0 and up to ${MAX_TIMER_MS}, not ${value}`);
  }
}

/**
 * Checks a list of AEAD algorithms.
 *
 * @throws {TypeError} if it is no array
 * @throws {RangeError} if it is empty, has one twice, or one that is not known
 */
export function checkAeads(aeads: readonly number[]): void {
  if (!Array.isArray(aeads)) throw new TypeError(`aeads is an array, not ${String(aeads)}`);
  const unknown = aeads.find((aead) => !AEAD_IDS.includes(aead));
  if (unknown !== undefined || aeads.length === 0 || new Set(aeads).size < aeads.length) {
    const known = AEAD_IDS.join(", ");
    throw new RangeError(`aeads has one or more of ${known}, each once, not ${aeads.join(", ")}`);
  }
}

/**
 * Checks the name of an NTP server that is asked for or told.
 *
 * @throws {TypeError} if it is no name and no IP address
 */
export function checkServerName(name: string, value: string): void {
  if (typeof value === "string" && isServerName(value)) return;
  throw new TypeError(
    `${name} is a host name in ASCII or an IP address, not ${JSON.stringify(value)}`,
  );
}

/** Whether a text has something of the form of a certificate in PEM. */
function hasCertificate(text: unknown): boolean {
  return typeof text === "string" && /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/.test(text);
}

/**
 * Checks the options of a key exchange and fills in the defaults.
 *
 * @throws {TypeError} if an option has the wrong type
 * @throws {RangeError} if an option is out of range
 */
export function checkEstablishOptions(options: EstablishNtsOptions): CheckedEstablishOptions {
  const checked = {
    ...options,
    port: options.port ?? KE_PORT,
    aeads: options.aeads ?? DEFAULT_AEADS,
    timeoutMs: options.timeoutMs ?? 5000,
    timers: options.timers ?? systemTimers,
    resolve: options.resolve ?? resolveHost,
  };
  const { ca, family, ntpHostname, ntpPort, signal, tls } = checked;
  checkWhole("port", checked.port, 1, 65535);
  checkAeads(checked.aeads);
  checkTimeout("timeoutMs", checked.timeoutMs);
  if (ca !== undefined && !hasCertificate(ca)) {
    throw new TypeError("ca is the text of certificates in PEM, which begin with -----BEGIN");
  }
  if (family !== undefined && family !== 4 && family !== 6) {
    throw new RangeError(`family is 4 or 6, not ${String(family)}`);
  }
  if (ntpHostname !== undefined) checkServerName("ntpHostname", ntpHostname);
  if (ntpPort !== undefined) checkWhole("ntpPort", ntpPort, 1, 65535);
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(`signal is an AbortSignal, not ${String(signal)}`);
  }
  checkTls(tls);
  return checked;
}

/**
 * Checks the name of a TLS.
 *
 * @throws {TypeError} if there is none of that name
 */
export function checkTls(tls: TlsName | undefined): void {
  if (tls !== undefined && tls !== "node:tls" && tls !== "libssl") {
    throw new TypeError(`tls is "node:tls" or "libssl", not ${String(tls)}`);
  }
}

/** The name as certificates and DNS have it: without brackets, and of IPv6 without a zone. */
export function bareHostname(hostname: string): string {
  if (typeof hostname !== "string" || hostname === "") {
    throw new TypeError(
      `hostname is a host name or an IP address, not ${JSON.stringify(hostname)}`,
    );
  }
  const percent = hostname.indexOf("%");
  const bare = percent < 0 ? hostname : hostname.slice(0, percent);
  return parseIpAddress(bare, new Uint8Array(16)) === 0 ? hostname : bare;
}
