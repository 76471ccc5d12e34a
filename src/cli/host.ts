import { parseIpAddress } from "../packet/ip_address.ts";
import { readWhole } from "./option.ts";
import { UsageError } from "./usage_error.ts";

/** A server as the command line names it. */
export interface Host {
  /** As it was given. */
  readonly text: string;
  /** Name or IP address. */
  readonly hostname: string;
  /** Port, if it was given. */
  readonly port?: number;
}

/**
 * Reads `name`, `name:port`, `192.0.2.1`, `192.0.2.1:port`, `2001:db8::1` or `[2001:db8::1]:port`.
 *
 * @param text an operand
 * @throws {UsageError} if it is none of these
 */
export function readHost(text: string): Host {
  const fail = (what: string) => new UsageError(`"${text}" ${what}`);
  const [, address, name, digits] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::([^:]*))?$/.exec(text) ?? [];
  const hostname = address ?? name ?? text; // with many colons and no brackets: IPv6
  if (hostname === "") throw fail("names no host");
  const isIpv6 = hostname.includes(":") && parseIpAddress(hostname, new Uint8Array(16)) !== 0;
  if (isIpv6 !== (name === undefined)) {
    throw fail("is no host: write NAME, NAME:PORT, an IP address, or [IPV6]:PORT");
  }
  if (digits === undefined) return { text, hostname };
  return { text, hostname, port: readWhole(digits, `the port in "${text}"`, 1, 65535) };
}
