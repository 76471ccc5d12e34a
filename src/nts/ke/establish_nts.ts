import { NTPError, type NTPErrorCode } from "../../packet/error.ts";
import type { NtsEstablishment } from "../nts_keys.ts";
import {
  bareHostname,
  checkEstablishOptions,
  type EstablishNtsOptions,
} from "./establish_options.ts";
import { type ConnectTcp, exchangeKeys } from "./exchange_keys.ts";
import { loadTls } from "./tls/load_tls.ts";

/** Errors that say less than others of what is wrong with a server. */
const DULL: readonly NTPErrorCode[] = ["timeout", "refused", "unreachable"];

/**
 * Makes a key exchange of NTS (RFC 8915 §4): over TLS 1.3, with the server's certificate checked, it
 * gives keys for NTP and cookies that hold them for the NTP server. The addresses of a name are tried
 * in turn.
 *
 * @param hostname name or IP address of the key exchange server; its certificate must be for it
 * @param options all optional
 * @returns keys, cookies, and which NTP server to ask
 * @throws {TypeError} if an option has the wrong type
 * @throws {RangeError} if an option is out of range
 * @throws {NTPError} `authentication` if the certificate is not believed (expired, not valid yet,
 * signed by nobody who is trusted, for another name), `key-exchange` if the server refuses or does not
 * keep to the protocol, `timeout`, `refused`, `unreachable`, `not-found`, `aborted`, or `unsupported`
 * where this runtime has no TLS that exports keys; of several addresses' errors the most telling one
 *
 * @example A server of one's own
 * ```ts ignore
 * import { establishNts } from "@ntps/ntps/nts";
 *
 * const { aead, cookies, hostname } = await establishNts("nts.example.net", {
 *   ca: await Deno.readTextFile("ca.pem"),
 * });
 * console.log(`${cookies.length} cookies of AEAD ${aead} for ${hostname}`);
 * ```
 */
export async function establishNts(
  hostname: string,
  options: EstablishNtsOptions = {},
): Promise<NtsEstablishment> {
  const serverName = bareHostname(hostname);
  const checked = checkEstablishOptions(options);
  const { family, resolve, signal, tls } = checked;
  const engine = await loadTls(tls);
  const { connect } = await import("node:net") as unknown as { connect: ConnectTcp };
  const addresses = await resolve(hostname, {
    ...(family !== undefined && { family }),
    ...(signal !== undefined && { signal }),
  });
  const errors: NTPError[] = [];
  for (const address of addresses) {
    try {
      return await exchangeKeys({ address, serverName, engine, connect, options: checked });
    } catch (error) {
      if (!(error instanceof NTPError) || error.code === "aborted") throw error;
      errors.push(error);
    }
  }
  const telling = errors.find(({ code }) => !DULL.includes(code)) ?? errors[0]!;
  if (errors.length > 1) telling.cause ??= new AggregateError(errors, "every address failed");
  throw telling;
}
