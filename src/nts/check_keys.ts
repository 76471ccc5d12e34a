import { aeadWith } from "./aead/registry.ts";
import type { NtsKeys } from "./nts_keys.ts";

/**
 * Checks the keys of a session; tells nothing of them.
 *
 * @throws {RangeError} if the algorithm is unknown, or a key has a wrong length
 */
export function checkKeys({ aead, c2s, s2c }: NtsKeys): void {
  const keyLength = aeadWith(aead)?.keyLength;
  if (keyLength === undefined) {
    throw new RangeError(`aead is the identifier of an algorithm: 15, 16, 17 or 30, not ${aead}`);
  }
  for (const [name, key] of [["c2s", c2s], ["s2c", s2c]] as const) {
    if (!(key instanceof Uint8Array) || key.length !== keyLength) {
      throw new RangeError(`${name} is a Uint8Array of ${keyLength} bytes for algorithm ${aead}`);
    }
  }
}
