/** Field types of RFC 8915 §5.1 and RFC 7821. */
const NAMES: ReadonlyMap<number, string> = new Map([
  [0x0104, "NTS unique identifier"],
  [0x0204, "NTS cookie"],
  [0x0304, "NTS cookie placeholder"],
  [0x0404, "NTS authenticator and encrypted fields"],
  [0x2005, "UDP checksum complement"],
]);

/** Lower byte of the field types of Autokey (RFC 5906 §10: version 2). */
const AUTOKEY = 2;

/**
 * What an extension field is; `undefined` for one that nobody registered.
 *
 * @param type field type, 16 bits
 */
export function describeExtensionField(type: number): string | undefined {
  return NAMES.get(type) ?? ((type & 255) === AUTOKEY ? "Autokey" : undefined);
}
