import { TAG_LENGTH } from "../../src/nts/aead/aead.ts";
import { aeadWith } from "../../src/nts/aead/registry.ts";
import { NTS_FIELDS, NtsFields, padded } from "../../src/nts/extension_fields.ts";
import type { NtsKeys } from "../../src/nts/nts_keys.ts";

const fields = new NtsFields();

/** Keys of a session with an algorithm. */
export function sessionKeys(aead: number): NtsKeys {
  const { keyLength } = aeadWith(aead)!;
  return { aead, c2s: new Uint8Array(keyLength).fill(1), s2c: new Uint8Array(keyLength).fill(2) };
}

/**
 * Makes the authenticator of a packet right, whatever its fields are, if it has one of a right form;
 * what stands where its ciphertext is, is what is encrypted.
 *
 * @param buffer holds the packet at its beginning
 * @param length length of the packet
 * @param aead the algorithm
 * @param key the key of who sends it
 */
export function seal(buffer: Uint8Array, length: number, aead: number, key: Uint8Array): void {
  if (fields.read(buffer, length) !== NTS_FIELDS) return;
  const algorithm = aeadWith(aead)!;
  if (!fields.suits(algorithm)) return;
  const { nonceAt, nonceLength, ciphertextAt, ciphertextLength, authenticatorAt } = fields;
  if (ciphertextAt + padded(ciphertextLength) > length) return;
  const ciphertext = buffer.subarray(ciphertextAt, ciphertextAt + ciphertextLength);
  algorithm.seal(
    key,
    buffer.subarray(nonceAt, nonceAt + nonceLength),
    buffer.subarray(0, authenticatorAt),
    ciphertext.slice(TAG_LENGTH),
    ciphertext,
  );
}
