import { formatIpAddress, isIpv4Mapped } from "../packet/ip_address.ts";
import { type IpPrefix, maskByte, parseIpPrefix } from "../packet/ip_prefix.ts";

/** An IPv4 subnet of a `MemoryNetwork`. */
export interface MemorySubnet {
  readonly prefix: IpPrefix;
  /** Its last address. */
  readonly broadcast: string;
}

/**
 * Reads a subnet.
 *
 * @throws {TypeError} if it is no string
 * @throws {RangeError} if it is no IPv4 prefix that has a broadcast address
 */
export function parseMemorySubnet(text: string): MemorySubnet {
  if (typeof text !== "string") throw new TypeError(`subnets has strings, not ${String(text)}`);
  const prefix = parseIpPrefix(text);
  if (typeof prefix === "string") throw new RangeError(`subnets has "${text}", which ${prefix}`);
  if (!isIpv4Mapped(prefix.bytes) || prefix.length > 126) {
    throw new RangeError(
      `subnets has "${text}": only IPv4 prefixes of up to 30 bits have broadcast`,
    );
  }
  const last = prefix.bytes.map((byte, at) => byte | (~maskByte(prefix.length, at) & 0xff));
  return { prefix, broadcast: formatIpAddress(last) };
}
