/**
 * AES of our own, for the keys of sessions: a server meets another pair of them with each request,
 * and to hand one to `node:crypto` takes ten times as long as to expand it here and to encrypt a
 * block with it.
 *
 * It looks its tables up by secrets, so its time depends on them. That is no matter for the keys of
 * a session: only those who have them can choose what is encrypted with them. The keys of cookies,
 * which strangers can have used on what they like, are not used here; see `native_siv_key.ts`.
 */

/** Most words that an expanded key has: AES-256's. */
export const SCHEDULE_WORDS = 60;

/** The S-box (FIPS 197 §5.1.1), and its products for a whole round, by column. */
const S = new Uint8Array(256);
const T0 = new Int32Array(256), T1 = new Int32Array(256);
const T2 = new Int32Array(256), T3 = new Int32Array(256);

/** Doubles in the field of FIPS 197 §4.2. */
function double(byte: number): number {
  return ((byte << 1) ^ (0x11b & -(byte >> 7))) & 0xff;
}

function makeTables(): void {
  const powers = new Uint8Array(256); // of 3, which makes every element but 0
  for (let i = 0, x = 1; i < 256; i++, x ^= double(x)) powers[i] = x;
  S[0] = 0x63;
  for (let i = 0; i < 255; i++) {
    const inverse = powers[255 - i]! * 0x101;
    const x = inverse ^ (inverse >> 4) ^ (inverse >> 5) ^ (inverse >> 6) ^ (inverse >> 7);
    S[powers[i]!] = x ^ 0x63;
  }
  for (let i = 0; i < 256; i++) {
    const s = S[i]!, twice = double(s);
    const column = (twice << 24) | (s << 16) | (s << 8) | (twice ^ s);
    T0[i] = column;
    T1[i] = (column >>> 8) | (column << 24);
    T2[i] = (column >>> 16) | (column << 16);
    T3[i] = (column >>> 24) | (column << 8);
  }
}

makeTables();

function substituted(word: number): number {
  return (S[word >>> 24]! << 24) | (S[(word >>> 16) & 0xff]! << 16) |
    (S[(word >>> 8) & 0xff]! << 8) | S[word & 0xff]!;
}

/**
 * Expands a key (FIPS 197 §5.2).
 *
 * @param key holds the key
 * @param at where it begins
 * @param length 16, 24 or 32
 * @param schedule {@linkcode SCHEDULE_WORDS} words; written
 * @returns how many words were written
 */
export function expandKey(
  key: Uint8Array,
  at: number,
  length: number,
  schedule: Int32Array,
): number {
  const words = length >> 2, total = 4 * (words + 7);
  for (let i = 0; i < words; i++) {
    const j = at + 4 * i;
    schedule[i] = (key[j]! << 24) | (key[j + 1]! << 16) | (key[j + 2]! << 8) | key[j + 3]!;
  }
  for (let i = words, round = 1; i < total; i++) {
    let word = schedule[i - 1]!;
    if (i % words === 0) {
      word = substituted((word << 8) | (word >>> 24)) ^ (round << 24);
      round = double(round);
    } else if (words > 6 && i % words === 4) {
      word = substituted(word);
    }
    schedule[i] = schedule[i - words]! ^ word;
  }
  return total;
}

/**
 * Encrypts a block in place (FIPS 197 §5.1).
 *
 * @param schedule an expanded key
 * @param words how many words it has
 * @param block four words; the first byte is the highest of the first word
 */
export function encryptBlock(schedule: Int32Array, words: number, block: Int32Array): void {
  let a = block[0]! ^ schedule[0]!, b = block[1]! ^ schedule[1]!;
  let c = block[2]! ^ schedule[2]!, d = block[3]! ^ schedule[3]!;
  let k = 4;
  for (const last = words - 4; k < last; k += 4) {
    const e = T0[a >>> 24]! ^ T1[(b >>> 16) & 0xff]! ^ T2[(c >>> 8) & 0xff]! ^ T3[d & 0xff]!;
    const f = T0[b >>> 24]! ^ T1[(c >>> 16) & 0xff]! ^ T2[(d >>> 8) & 0xff]! ^ T3[a & 0xff]!;
    const g = T0[c >>> 24]! ^ T1[(d >>> 16) & 0xff]! ^ T2[(a >>> 8) & 0xff]! ^ T3[b & 0xff]!;
    const h = T0[d >>> 24]! ^ T1[(a >>> 16) & 0xff]! ^ T2[(b >>> 8) & 0xff]! ^ T3[c & 0xff]!;
    a = e ^ schedule[k]!;
    b = f ^ schedule[k + 1]!;
    c = g ^ schedule[k + 2]!;
    d = h ^ schedule[k + 3]!;
  }
  block[0] = shifted(a, b, c, d) ^ schedule[k]!;
  block[1] = shifted(b, c, d, a) ^ schedule[k + 1]!;
  block[2] = shifted(c, d, a, b) ^ schedule[k + 2]!;
  block[3] = shifted(d, a, b, c) ^ schedule[k + 3]!;
}

/** A word of the last round, which mixes no columns. */
function shifted(a: number, b: number, c: number, d: number): number {
  return (S[a >>> 24]! << 24) | (S[(b >>> 16) & 0xff]! << 16) | (S[(c >>> 8) & 0xff]! << 8) |
    S[d & 0xff]!;
}
