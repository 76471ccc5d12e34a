// Requests that the load generator takes from a file: each of them names its own place in it.

import { randomFillSync } from "node:crypto";

/** Bits of a transmit timestamp that name a request's place, as in load.c. */
const SLOT_BITS = 20n;
/** Length of a header. */
export const HEADER_BYTES = 48;

/**
 * Writes a request of version 4.
 *
 * @param {Uint8Array} into 48 zeros; written
 * @param {number} place which request of the file it is
 */
export function writeRequestHeader(into, place) {
  const random = randomFillSync(new BigUint64Array(1))[0];
  const transmit = ((random | 1n << 63n) >> SLOT_BITS << SLOT_BITS) | BigInt(place);
  into[0] = 0x23;
  new DataView(into.buffer, into.byteOffset).setBigUint64(40, transmit, true);
}
