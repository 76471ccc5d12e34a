import { KeyStore } from "./key_store.ts";
import { exposeSecret, type KeyType, SymmetricKey } from "./symmetric_key.ts";

/** What a key is made of, in a form that can be posted to another thread; never to be shown. */
export interface KeySpec {
  readonly id: number;
  readonly type: KeyType;
  readonly secret: Uint8Array;
  readonly prefixes: readonly string[] | undefined;
}

/**
 * What the keys of a store are made of.
 *
 * @param store any object; one of a class of the user's, or with keys of one, cannot be copied
 * @returns `undefined` if it cannot
 */
export function keySpecsOf(store: object): KeySpec[] | undefined {
  if (!(store instanceof KeyStore) || store.constructor !== KeyStore) return undefined;
  const keys = [...store];
  if (keys.some((key) => key.constructor !== SymmetricKey)) return undefined;
  return keys.map((key) => ({
    id: key.id,
    type: key.type,
    secret: exposeSecret(key),
    prefixes: store.prefixesOf(key.id),
  }));
}

/** The store whose keys these are. */
export function keyStoreOf(specs: readonly KeySpec[]): KeyStore {
  return new KeyStore(specs.map(({ prefixes, ...spec }) => {
    const key = new SymmetricKey(spec);
    return prefixes === undefined ? key : { key, prefixes };
  }));
}
