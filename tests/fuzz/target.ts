/** Something that takes packets from strangers, with what must hold whatever they send. */
export interface Target {
  /** Name of the target, as in `--target`. */
  readonly name: string;
  /** What mutations begin with, where it is not the packets of NTP. */
  readonly corpus?: readonly Uint8Array[];
  /** How many packets got through: were decoded, answered, accepted. */
  passed: number;
  /**
   * Whether a packet is worth most of the mutations.
   *
   * @param packet a packet of the corpus
   */
  prefers(packet: Uint8Array): boolean;
  /**
   * Gives a packet what it takes to be looked at more closely.
   *
   * @param bytes holds the packet at its beginning, and is longer
   * @param length length of the packet
   * @param chance 32 random bits
   */
  shape?(bytes: Uint8Array, length: number, chance: number): void;
  /**
   * Passes a packet in. What comes of it depends on the packet alone, so a finding can be repeated.
   *
   * @param bytes holds the packet at its beginning, and is longer
   * @param length length of the packet
   * @returns what does not hold; `undefined` when all is well. A throw is a finding as well
   */
  check(bytes: Uint8Array, length: number): string | undefined;
}

/**
 * 32 bits that depend on a packet alone: they decide what the packet does not say, such as the port
 * it came from.
 *
 * @param bytes holds the packet at its beginning
 * @param length length of the packet
 */
export function mixOf(bytes: Uint8Array, length: number): number {
  let mix = length;
  for (let i = 0; i < length && i < 96; i++) mix = Math.imul(mix ^ bytes[i]!, 0x01000193);
  return (mix ^ (mix >>> 15)) >>> 0;
}

/**
 * Whether two packets are the same.
 *
 * @param a holds one at its beginning
 * @param b holds the other at its beginning
 * @param length bytes to compare
 */
export function same(a: Uint8Array, b: Uint8Array, length: number): boolean {
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * Whether a text is one line, without anything that a terminal obeys.
 *
 * @param text what people are shown
 */
export function isOneLine(text: string): boolean {
  // deno-lint-ignore no-control-regex
  return /^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$/.test(text);
}
