import { formatIpAddress, isIpv4Mapped, parseIpAddress } from "./ip_address.ts";

/** Bits that IPv4 addresses have before them in their IPv4-mapped form. */
const MAPPED_BITS = 96;

/** All addresses that begin with the same bits (CIDR). */
export interface IpPrefix {
  /** The first of them: 16 bytes, IPv4 in its IPv4-mapped form. */
  readonly bytes: Uint8Array;
  /** How many bits they share, 0 to 128; of IPv4, those of the IPv4-mapped form: 96 to 128. */
  readonly length: number;
}

/** Mask of byte `at` of an address under a prefix of `length` bits. */
export function maskByte(length: number, at: number): number {
  const bits = Math.min(8, Math.max(0, length - 8 * at));
  return (0xff << (8 - bits)) & 0xff;
}

/**
 * Reads a prefix.
 *
 * @param text `"192.0.2.0/24"`, `"2001:db8::/32"`, or an address alone
 * @returns the prefix, or, as text, what is wrong with it: words to follow it in a sentence
 */
export function parseIpPrefix(text: string): IpPrefix | string {
  const [address = "", bits, ...rest] = text.split("/");
  const bytes = new Uint8Array(16);
  const family = address.includes("%") ? 0 : parseIpAddress(address, bytes);
  if (family === 0 || rest.length > 0) {
    return "is not a prefix; write 192.0.2.0/24 or 2001:db8::/32";
  }
  const most = address.includes(":") ? 128 : 32;
  const given = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : NaN;
  if (!(given <= most)) return `has a prefix length that is not from 0 to ${most}`;
  const length = most === 32 ? given + MAPPED_BITS : given;
  const masked = bytes.map((byte, at) => byte & maskByte(length, at));
  if (masked.some((byte, at) => byte !== bytes[at])) {
    return `has bits set behind its prefix; ${formatIpAddress(masked)}/${given} is meant?`;
  }
  return { bytes, length };
}

/**
 * Whether an address begins with a prefix; no IPv4 address begins with an IPv6 prefix, not even with
 * `::/0`. Allocates nothing.
 *
 * @param prefix the prefix
 * @param address 16 bytes, IPv4 in its IPv4-mapped form
 */
export function prefixContains({ bytes, length }: IpPrefix, address: Uint8Array): boolean {
  if (length < MAPPED_BITS && isIpv4Mapped(address)) return false;
  for (let at = 0; 8 * at < length; at++) {
    if (((bytes[at]! ^ address[at]!) & maskByte(length, at)) !== 0) return false;
  }
  return true;
}
