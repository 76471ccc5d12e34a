import { nodeCrypto } from "../auth/node_crypto.ts";

/**
 * A key derived from another by HKDF with SHA-256 (RFC 5869).
 *
 * @param secret the input keying material
 * @param salt the salt; empty, there is none
 * @param info what the key is for
 * @param length how many bytes, up to 8160
 * @throws {NTPError} `unsupported` where the runtime lacks `node:crypto`
 */
export function hkdfSha256(
  secret: Uint8Array,
  salt: Uint8Array,
  info: Uint8Array,
  length: number,
): Uint8Array {
  return new Uint8Array(nodeCrypto().hkdfSync("sha256", secret, salt, info, length));
}
