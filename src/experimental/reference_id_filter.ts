import { parseIpAddress } from "../packet/ip_address.ts";
import { md5 } from "../packet/md5.ts";
import { checkBytes } from "../packet/packet_fields.ts";

/** Length of a reference ID of NTPv5, in bytes: 120 bits. */
const ID_LENGTH = 15;
/** Length of a filter, in bytes: 4096 bits. */
const FILTER_LENGTH = 512;

function checkId(id: Uint8Array): void {
  checkBytes("A reference ID of NTPv5", id);
  if (id.length !== ID_LENGTH) {
    throw new RangeError(`A reference ID of NTPv5 has ${ID_LENGTH} bytes, not ${id.length}`);
  }
}

/**
 * The set of servers that a server's time has come through, itself among them, as a Bloom filter of
 * 4096 bits: who finds its own 120-bit reference ID in there would follow itself (draft-ietf-ntp-ntpv5,
 * "Reference IDs Request and Response Extension Fields"). A filter never misses an ID that was added;
 * one in about a billion others seems to be there with 100 added.
 *
 * @example A loop is noticed
 * ```ts
 * import { ReferenceIdFilter } from "@ntps/ntps/experimental";
 * import { assertEquals } from "@std/assert";
 *
 * const own = crypto.getRandomValues(new Uint8Array(15));
 * const upstream = new ReferenceIdFilter();
 * assertEquals(upstream.has(own), false);
 * upstream.add(own);
 * assertEquals(upstream.has(own), true);
 * ```
 */
export class ReferenceIdFilter {
  /** The filter as it travels: 512 bytes; position n is bit n % 8 of byte n / 8, counted from the least. */
  readonly bytes: Uint8Array;

  /**
   * Makes a filter.
   *
   * @param bytes 512 bytes, copied. Default: an empty filter
   * @throws {TypeError} if `bytes` is no `Uint8Array`
   * @throws {RangeError} if it has another length
   */
  constructor(bytes: Uint8Array = new Uint8Array(FILTER_LENGTH)) {
    checkBytes("A filter of reference IDs", bytes);
    if (bytes.length !== FILTER_LENGTH) {
      throw new RangeError(`A filter has ${FILTER_LENGTH} bytes, not ${bytes.length}`);
    }
    this.bytes = new Uint8Array(bytes);
  }

  /**
   * Adds a reference ID.
   *
   * @param id 15 bytes
   * @throws {TypeError} if it is no `Uint8Array`
   * @throws {RangeError} if it has another length
   */
  add(id: Uint8Array): void {
    checkId(id);
    for (const position of positionsOf(id)) this.bytes[position >>> 3]! |= 1 << (position & 7);
  }

  /**
   * Whether a reference ID was added, as far as a Bloom filter can tell.
   *
   * @param id 15 bytes
   * @throws {TypeError} if it is no `Uint8Array`
   * @throws {RangeError} if it has another length
   */
  has(id: Uint8Array): boolean {
    checkId(id);
    return positionsOf(id).every((position) =>
      (this.bytes[position >>> 3]! & (1 << (position & 7))) !== 0
    );
  }

  /**
   * Adds all that is in another filter.
   *
   * @param other of a server that is followed
   */
  addAll(other: ReferenceIdFilter): void {
    for (let i = 0; i < FILTER_LENGTH; i++) this.bytes[i]! |= other.bytes[i]!;
  }
}

/** The ten numbers of 12 bits that an ID is made of. */
function positionsOf(id: Uint8Array): number[] {
  const positions: number[] = [];
  for (let i = 0; i < ID_LENGTH; i += 3) {
    const bits = (id[i]! << 16) | (id[i + 1]! << 8) | id[i + 2]!;
    positions.push(bits >>> 12, bits & 0xfff);
  }
  return positions;
}

/**
 * The reference ID of NTPv5 for a server that is followed by an earlier version: the first 120 bits of
 * the MD5 digest of its address.
 *
 * @param address IPv4 or IPv6 address
 * @returns 15 bytes
 * @throws {RangeError} if it is no IP address
 *
 * @example To be added to a filter
 * ```ts
 * import { ntpv5ReferenceIdOf, ReferenceIdFilter } from "@ntps/ntps/experimental";
 *
 * const filter = new ReferenceIdFilter();
 * filter.add(ntpv5ReferenceIdOf("192.0.2.1"));
 * ```
 */
export function ntpv5ReferenceIdOf(address: string): Uint8Array {
  const bytes = new Uint8Array(16);
  const family = parseIpAddress(address, bytes);
  if (family === 0) throw new RangeError(`Not an IP address: ${JSON.stringify(address)}`);
  return md5(family === 4 ? bytes.subarray(12) : bytes).subarray(0, ID_LENGTH);
}
