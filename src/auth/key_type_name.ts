import type { KeyType } from "./symmetric_key.ts";

/** What chrony, ntpd and NTPsec call the types, in capitals and without hyphens. */
const NAMES: ReadonlyMap<string, KeyType> = new Map([
  ["MD5", "MD5"],
  ["M", "MD5"],
  ["SHA1", "SHA1"],
  ["SHA256", "SHA256"],
  ["SHA384", "SHA384"],
  ["SHA512", "SHA512"],
  ["SHA2256", "SHA256"],
  ["SHA2384", "SHA384"],
  ["SHA2512", "SHA512"],
  ["AES", "AES128"],
  ["AES128", "AES128"],
  ["AES128CMAC", "AES128"],
  ["AES256", "AES256"],
  ["AES256CMAC", "AES256"],
]);

/**
 * The type of key that a name in a key file stands for.
 *
 * @param name any spelling: `"SHA1"`, `"sha2-256"`, ntpd's `"AES128CMAC"` and `"M"`, NTPsec's `"AES"`
 */
export function keyTypeNamed(name: string): KeyType | undefined {
  return NAMES.get(name.toUpperCase().replaceAll("-", ""));
}
