import { KeyStore } from "../auth/key_store.ts";
import type { SymmetricKey } from "../auth/symmetric_key.ts";
import { readWord } from "../packet/header.ts";
import { CRYPTO_NAK_LENGTH } from "../packet/trailer.ts";

/** Where a server finds its keys; a `KeyStore` is one. */
export interface KeySource {
  /** The key with this identifier, if there is one. */
  get(id: number): SymmetricKey | undefined;
  /**
   * Whether a key may be used from an address.
   *
   * @param id identifier of a key
   * @param address 16 bytes, IPv4 in its IPv4-mapped form
   */
  allows(id: number, address: Uint8Array): boolean;
}

/**
 * Where a server that was given these keys finds them.
 *
 * @param keys as in the server's options
 * @throws {TypeError} if something is not a key, or has no keys
 * @throws {RangeError} if two keys have the same identifier
 */
export function keySourceOf(
  keys: readonly SymmetricKey[] | KeySource | undefined,
): KeySource | undefined {
  if (keys === undefined) return undefined;
  if (Array.isArray(keys)) return new KeyStore(keys);
  for (const method of ["get", "allows"] as const) {
    if (typeof (keys as KeySource | null)?.[method] !== "function") {
      throw new TypeError(
        `keys is a KeyStore or a list of keys, and so has ${method}(), unlike ${String(keys)}`,
      );
    }
  }
  return keys as KeySource;
}

/** Lengths of MS-SNTP's authenticator and of its extended one ([MS-SNTP] 2.2.1 and 2.2.3). */
const MS_SNTP_LENGTH = 20, MS_SNTP_EXTENDED_LENGTH = 72;

/**
 * Whether the MAC is MS-SNTP's: a key identifier of the domain's, in the extended one some flags,
 * and zeros where the checksum is to be.
 */
function isMsSntp(request: Uint8Array, at: number, length: number, version: number): boolean {
  const isExtended = length - at === MS_SNTP_EXTENDED_LENGTH;
  if (version !== 3 || (!isExtended && length - at !== MS_SNTP_LENGTH)) return false;
  for (let i = at + (isExtended ? 8 : 4); i < length; i++) if (request[i] !== 0) return false;
  return true;
}

/**
 * The key that the MAC of a request is said to be made with. The MAC is not checked.
 *
 * @param request holds the datagram at its beginning
 * @param at where the MAC begins
 * @param length length of the datagram, in bytes
 * @param version the request's version
 * @param address of the sender, 16 bytes
 * @param keys where keys are found
 * @returns the key; `"none"` when this is a MAC that asks for nothing; `"wrong"` when the key is
 * unknown or not for this address
 */
export function keyOfRequest(
  request: Uint8Array,
  at: number,
  length: number,
  version: number,
  address: Uint8Array,
  keys: KeySource | undefined,
): SymmetricKey | "none" | "wrong" {
  // A crypto-NAK authenticates nothing (CVE-2015-7871).
  if (length - at === CRYPTO_NAK_LENGTH || isMsSntp(request, at, length, version)) return "none";
  const id = readWord(request, at);
  const key = keys?.get(id);
  return key === undefined || !keys!.allows(id, address) ? "wrong" : key;
}
