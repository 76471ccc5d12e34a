/** First byte of the reference identifiers that tell of a smear: 254, which is no address's. */
const SMEAR = 0xfe;
/** Units of the other three bytes in a second: two bits of whole seconds, 22 of a fraction. */
const UNITS = 2 ** 22;

/**
 * The reference identifier of a server whose time is smeared: 254, and by how much it is off, as
 * two's complement of 2 and 22 bits, as ntpd writes it. Clients that know it do not mix such servers
 * with others.
 *
 * @param seconds what is added to UTC, at least -2 and below 2
 * @returns 32 bits, unsigned
 * @throws {RangeError} if `seconds` is out of range
 *
 * @example Half a second behind
 * ```ts
 * import { isSmearReferenceId, smearReferenceId } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(smearReferenceId(-0.5), 0xfee00000);
 * assertEquals(isSmearReferenceId(0xfee00000), true);
 * ```
 */
export function smearReferenceId(seconds: number): number {
  const units = Math.round(seconds * UNITS);
  if (!(units >= -2 * UNITS && units < 2 * UNITS)) {
    throw new RangeError(`A smear is from -2 to below 2 s, not ${seconds}`);
  }
  return ((SMEAR << 24) | (units & 0xffffff)) >>> 0;
}

/**
 * Whether a reference identifier says that the time is smeared.
 *
 * @param referenceId 32 bits
 *
 * @example A smearing server, and an ordinary one
 * ```ts
 * import { isSmearReferenceId } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(isSmearReferenceId(0xfe000001), true);
 * assertEquals(isSmearReferenceId(0xc0000201), false);
 * ```
 */
export function isSmearReferenceId(referenceId: number): boolean {
  return referenceId >>> 24 === SMEAR;
}
