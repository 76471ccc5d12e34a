import { type IpPrefix, parseIpPrefix, prefixContains } from "../packet/ip_prefix.ts";
import { SymmetricKey } from "./symmetric_key.ts";

/** A key that is good for packets from some addresses only. */
export interface RestrictedKey {
  /** The key. */
  readonly key: SymmetricKey;
  /** From where it may be used: `"192.0.2.0/24"`, `"2001:db8::/32"`, or addresses; at least one. */
  readonly prefixes: readonly string[];
}

/**
 * Symmetric keys by identifier, some of them for certain addresses only. Cannot be changed.
 *
 * @example A key that one network may use
 * ```ts
 * import { Endpoint, KeyStore, SymmetricKey } from "@ntps/ntps";
 * import { assertEquals } from "@std/assert";
 *
 * const key = new SymmetricKey({ id: 7, type: "AES128", secret: new Uint8Array(16) });
 * const keys = new KeyStore([{ key, prefixes: ["192.0.2.0/24"] }]);
 * assertEquals(keys.get(7), key);
 * assertEquals(keys.allows(7, new Endpoint("192.0.2.1", 123).bytes), true);
 * assertEquals(keys.allows(7, new Endpoint("198.51.100.1", 123).bytes), false);
 * ```
 */
export class KeyStore implements Iterable<SymmetricKey> {
  readonly #keys = new Map<number, SymmetricKey>();
  readonly #prefixes = new Map<number, readonly IpPrefix[]>();
  /** The prefixes as they were given. */
  readonly #texts = new Map<number, readonly string[]>();

  /**
   * Makes a store.
   *
   * @param keys the keys. Default none
   * @throws {TypeError} if something is not a key
   * @throws {RangeError} if two keys have the same identifier, or a prefix is no prefix
   */
  constructor(keys: Iterable<SymmetricKey | RestrictedKey> = []) {
    for (const one of keys) {
      const { key, prefixes } = one instanceof SymmetricKey ? { key: one } : one ?? {};
      if (!(key instanceof SymmetricKey)) {
        throw new TypeError(`keys are SymmetricKeys, or { key, prefixes }, not ${typeof one}`);
      }
      if (this.#keys.has(key.id)) throw new RangeError(`Two keys have the id ${key.id}`);
      this.#keys.set(key.id, key);
      if (prefixes === undefined) continue;
      this.#prefixes.set(key.id, parsePrefixes(key.id, prefixes));
      this.#texts.set(key.id, [...prefixes]);
    }
  }

  /** How many keys there are. */
  get size(): number {
    return this.#keys.size;
  }

  /**
   * The key with an identifier, if there is one.
   *
   * @param id any number
   */
  get(id: number): SymmetricKey | undefined {
    return this.#keys.get(id);
  }

  /**
   * Whether there is a key that may be used from an address. Allocates nothing.
   *
   * @param id identifier of a key
   * @param address 16 bytes, IPv4 in its IPv4-mapped form
   */
  allows(id: number, address: Uint8Array): boolean {
    const prefixes = this.#prefixes.get(id);
    if (prefixes === undefined) return this.#keys.has(id);
    for (let i = 0; i < prefixes.length; i++) {
      if (prefixContains(prefixes[i]!, address)) return true;
    }
    return false;
  }

  /**
   * From where a key may be used: prefixes as they were given.
   *
   * @param id identifier of a key
   * @returns `undefined` if from everywhere, or if there is no such key
   */
  prefixesOf(id: number): readonly string[] | undefined {
    return this.#texts.get(id);
  }

  /** All keys, in the order given. */
  [Symbol.iterator](): IterableIterator<SymmetricKey> {
    return this.#keys.values();
  }
}

function parsePrefixes(id: number, prefixes: readonly string[]): readonly IpPrefix[] {
  if (prefixes.length === 0) {
    throw new RangeError(`Key ${id}: prefixes name one address at least, or are left out`);
  }
  return prefixes.map((text) => {
    if (typeof text !== "string") {
      throw new TypeError(`Key ${id}: a prefix is a string, not ${typeof text}`);
    }
    const prefix = parseIpPrefix(text);
    if (typeof prefix !== "string") return prefix;
    throw new RangeError(`Key ${id}: ${JSON.stringify(text)} ${prefix}`);
  });
}
