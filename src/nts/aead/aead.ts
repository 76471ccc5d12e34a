/** How much longer than its plaintext a ciphertext is, in bytes: for all algorithms here. */
export const TAG_LENGTH = 16;

/**
 * An algorithm for authenticated encryption with associated data (RFC 5116), as RFC 8915 uses them.
 * Keys are given with each call, since a server meets other ones each time; nothing is kept.
 *
 * @example What was sealed is opened, what was changed is not
 * ```ts
 * import { aeadWith } from "@ntps/ntps/nts";
 * import { assertEquals } from "@std/assert";
 *
 * const aead = aeadWith(15)!;
 * const key = new Uint8Array(aead.keyLength), nonce = new Uint8Array(aead.nonceLength);
 * const packet = new Uint8Array(48), secret = new Uint8Array([1, 2, 3, 4]);
 * const sealed = new Uint8Array(secret.length + 16), opened = new Uint8Array(secret.length);
 * aead.seal(key, nonce, packet, secret, sealed);
 * assertEquals(aead.open(key, nonce, packet, sealed, opened), true);
 * assertEquals(opened, secret);
 * packet[1] = 2;
 * assertEquals(aead.open(key, nonce, packet, sealed, opened), false);
 * ```
 */
export interface Aead {
  /** Identifier in IANA's registry of AEAD algorithms. */
  readonly id: number;
  /** Name in that registry. */
  readonly name: string;
  /** Length of a key, in bytes. */
  readonly keyLength: number;
  /** Length of the nonces to make, in bytes. */
  readonly nonceLength: number;
  /** Shortest nonce that it takes, in bytes. */
  readonly minNonceLength: number;
  /** Longest nonce that it takes, in bytes; RFC 8915 §5.6 calls it N_MAX. */
  readonly maxNonceLength: number;

  /**
   * Encrypts and authenticates.
   *
   * @param key as long as {@linkcode Aead.keyLength}
   * @param nonce never used with this key before
   * @param associatedData what is authenticated and not encrypted
   * @param plaintext what is encrypted
   * @param into 16 bytes more than the plaintext; written. Must not overlap anything else
   */
  seal(
    key: Uint8Array,
    nonce: Uint8Array,
    associatedData: Uint8Array,
    plaintext: Uint8Array,
    into: Uint8Array,
  ): void;

  /**
   * Checks and decrypts. Takes the same time wherever a tag differs, and never throws.
   *
   * @param key as long as {@linkcode Aead.keyLength}
   * @param nonce the one it was sealed with
   * @param associatedData what is authenticated and not encrypted
   * @param ciphertext what was sealed
   * @param into 16 bytes fewer than the ciphertext; written: with zeros where it returns false. Must
   * not overlap anything else
   * @returns whether it is authentic
   */
  open(
    key: Uint8Array,
    nonce: Uint8Array,
    associatedData: Uint8Array,
    ciphertext: Uint8Array,
    into: Uint8Array,
  ): boolean;
}
