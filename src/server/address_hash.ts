/**
 * Where addresses and prefixes stand in a table: HalfSipHash-1-3 over 32-bit words, with a secret
 * key, so that a stranger cannot choose addresses that fall into one place.
 *
 * The prefix's value is taken on the way to the address's: both cost little more than one. All state
 * is in local variables, for speed; nothing is allocated.
 *
 * @param key two secret words
 * @param words the message: words of the masked prefix, then words of the address
 * @param prefixLength how many words the prefix has
 * @param length how many words there are
 * @param into written: two words of the prefix's value, two of the address's
 */
export function hashAddress(
  key: Int32Array,
  words: Int32Array,
  prefixLength: number,
  length: number,
  into: Int32Array,
): void {
  const k0 = key[0]!, k1 = key[1]!;
  let v0 = k0, v1 = k1 ^ 0xee, v2 = k0 ^ 0x6c796765, v3 = k1 ^ 0x74656462;
  for (let i = 0; i < length;) {
    const word = words[i]!;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
    i++;
    if (i !== prefixLength && i !== length) continue;
    let a = v0, b = v1, c = v2 ^ 0xee, d = v3;
    for (let round = 0; round < 3; round++) {
      a = (a + b) | 0;
      b = ((b << 5) | (b >>> 27)) ^ a;
      a = (a << 16) | (a >>> 16);
      c = (c + d) | 0;
      d = ((d << 8) | (d >>> 24)) ^ c;
      a = (a + d) | 0;
      d = ((d << 7) | (d >>> 25)) ^ a;
      c = (c + b) | 0;
      b = ((b << 13) | (b >>> 19)) ^ c;
      c = (c << 16) | (c >>> 16);
    }
    const at = i === length ? 2 : 0;
    into[at] = b ^ d;
    into[at + 1] = a ^ c;
  }
}
