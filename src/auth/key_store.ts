import type { SymmetricKey } from "./symmetric_key.ts";

/** Keys by identifier. */
export class KeyStore {
  readonly #keys = new Map<number, SymmetricKey>();

  /**
   * Makes a store.
   *
   * @param keys the keys
   * @throws {RangeError} if two keys have the same identifier
   */
  constructor(keys: Iterable<SymmetricKey> = []) {
    for (const key of keys) {
      if (this.#keys.has(key.id)) throw new RangeError(`Two keys have the id ${key.id}`);
      this.#keys.set(key.id, key);
    }
  }

  /** The key with an identifier, if there is one. */
  get(id: number): SymmetricKey | undefined {
    return this.#keys.get(id);
  }

  /** Whether a key may be used from an address. */
  allows(_id: number, _address: Uint8Array): boolean {
    return true;
  }
}
