import { AEAD_IDS } from "../aead/registry.ts";
import { systemTimers, type Timers } from "../../clock/timers.ts";
import {
  checkAeads,
  checkServerName,
  checkTimeout,
  checkTls,
  checkWhole,
} from "./establish_options.ts";
import type { CookieKeys } from "../cookie_keys.ts";
import type { KeOffer } from "./ke_answer.ts";
import type { KeTimeLimits } from "./ke_connection.ts";
import type { TlsIdentity, TlsName } from "./tls/tls_engine.ts";

/** Options of {@linkcode NtsKeyExchangeServer}. */
export interface NtsKeyExchangeServerOptions {
  /** The server's certificate, and those between it and its CA, as text in PEM. */
  cert: string;
  /** Its private key, as text in PEM, not encrypted. */
  key: string;
  /** Makes the cookies: those keys that the NTP server opens them with. */
  cookieKeys: Pick<CookieKeys, "seal">;
  /**
   * AEAD algorithms to agree to: of 15, 16, 17 and 30. Of those that a client offers, the first one
   * counts. Default: all.
   */
  aeads?: readonly number[];
  /** NTP server that clients are told to ask, name or IP address. Default: the same machine. */
  ntpHostname?: string;
  /** NTP port that clients are told to ask at, 1 to 65535. Default: 123, which they are not told. */
  ntpPort?: number;
  /** Connections at one time, 1 to 65535; where there are more the oldest goes. Default 1000. */
  maxConnections?: number;
  /**
   * Connections at one time of one IPv4 address or one IPv6 /64, 1 to 65535; where there are more the
   * oldest of them goes. Default 64.
   */
  maxConnectionsPerPrefix?: number;
  /** How long the TLS handshake may take, in milliseconds, above 0. Default 5000. */
  handshakeTimeoutMs?: number;
  /** How long the request may take from there, in milliseconds, above 0. Default 2000. */
  requestTimeoutMs?: number;
  /** How long a client may take to read the answer, in milliseconds, above 0. Default 2000. */
  closeTimeoutMs?: number;
  /**
   * Told of errors that are the server's own, such as a cookie that could not be made; what clients do
   * wrong is only counted. Default: nobody.
   */
  onError?: (error: Error) => void;
  /** How to wait. Default: the runtime's timers. */
  timers?: Timers;
  /** Whose TLS, as in {@linkcode EstablishNtsOptions}. Default: what the runtime has. */
  tls?: TlsName;
}

/** The options, checked and with all defaults filled in. */
export interface CheckedKeServerOptions {
  readonly identity: TlsIdentity;
  readonly offer: KeOffer;
  readonly limits: KeTimeLimits;
  readonly maxConnections: number;
  readonly maxConnectionsPerPrefix: number;
  readonly onError: (error: Error) => void;
  readonly timers: Timers;
  readonly tls: TlsName | undefined;
}

/**
 * Checks who a server is.
 *
 * @throws {TypeError} if one of them is no text
 */
export function checkIdentity({ cert, key }: TlsIdentity): TlsIdentity {
  for (const [name, text] of [["cert", cert], ["key", key]] as const) {
    if (typeof text !== "string") throw new TypeError(`${name} is text in PEM, not ${typeof text}`);
  }
  return { cert, key };
}

/**
 * Checks the options of a server and fills in the defaults.
 *
 * @throws {TypeError} if an option has the wrong type
 * @throws {RangeError} if an option is out of range
 */
export function checkKeServerOptions(options: NtsKeyExchangeServerOptions): CheckedKeServerOptions {
  const { cookieKeys, aeads = AEAD_IDS, ntpHostname, ntpPort, tls } = options;
  const { maxConnections = 1000, maxConnectionsPerPrefix = 64, onError = () => {} } = options;
  const limits: KeTimeLimits = {
    handshakeTimeoutMs: options.handshakeTimeoutMs ?? 5000,
    requestTimeoutMs: options.requestTimeoutMs ?? 2000,
    closeTimeoutMs: options.closeTimeoutMs ?? 2000,
  };
  const identity = checkIdentity(options);
  if (typeof cookieKeys?.seal !== "function") {
    throw new TypeError(`cookieKeys is an object with seal(), not ${String(cookieKeys)}`);
  }
  checkAeads(aeads);
  if (ntpHostname !== undefined) checkServerName("ntpHostname", ntpHostname);
  if (ntpPort !== undefined) checkWhole("ntpPort", ntpPort, 1, 65535);
  checkWhole("maxConnections", maxConnections, 1, 65535);
  checkWhole("maxConnectionsPerPrefix", maxConnectionsPerPrefix, 1, 65535);
  for (const [name, value] of Object.entries(limits)) checkTimeout(name, value);
  checkTls(tls);
  return {
    identity,
    offer: { aeads, cookieKeys, ntpHostname, ntpPort },
    limits,
    maxConnections,
    maxConnectionsPerPrefix,
    onError,
    timers: options.timers ?? systemTimers,
    tls,
  };
}
