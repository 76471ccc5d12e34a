import { KeyStore } from "../../src/auth/key_store.ts";
import { SymmetricKey } from "../../src/auth/symmetric_key.ts";
import { HEADER_LENGTH, versionOf, writeWord } from "../../src/packet/header.ts";

function keyOf(id: number, type: SymmetricKey["type"]): SymmetricKey {
  return new SymmetricKey({ id, type, secret: new Uint8Array(16).fill(0x40 + id) });
}

/** From where the last of the keys may be used. */
export const RESTRICTED_TO = "192.0.2.0/25";

const MD5 = keyOf(1, "MD5"), SHA1 = keyOf(2, "SHA1"), SHA512 = keyOf(3, "SHA512");
const AES128 = keyOf(4, "AES128"), RESTRICTED = keyOf(5, "SHA1");

/** Keys that the server knows. */
export const KEYS: KeyStore = new KeyStore([
  MD5,
  SHA1,
  SHA512,
  AES128,
  { key: RESTRICTED, prefixes: [RESTRICTED_TO] },
]);

/** Key that the client asks with. */
export const CLIENT_KEY: SymmetricKey = SHA1;

const SIGNERS = [SHA1, SHA1, MD5, SHA512, AES128, RESTRICTED, keyOf(2, "SHA256"), keyOf(9, "SHA1")];

/**
 * Turns the last bytes of a packet into a MAC; one of eight has a bit that is wrong.
 *
 * @param buffer holds the packet at its beginning
 * @param length length of the packet
 * @param chance 32 random bits
 * @param key key to sign with. Default: one of several, of which the server knows most
 */
export function seal(
  buffer: Uint8Array,
  length: number,
  chance: number,
  key: SymmetricKey = SIGNERS[chance & 7]!,
): void {
  const version = versionOf(buffer[0]!);
  const at = length - 4 - key.digestLength(version);
  if (at < HEADER_LENGTH) return;
  writeWord(buffer, at, key.id);
  buffer.set(key.sign(buffer.subarray(0, at), version), at + 4);
  if ((chance & 0x1c00) === 0) buffer[at + ((chance >>> 16) % (length - at))]! ^= 1;
}
