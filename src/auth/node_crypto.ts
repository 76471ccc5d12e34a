import { NTPError } from "../packet/error.ts";

/** The part of `node:crypto` that is used. Node, Bun and Deno have it. */
export interface NodeCrypto {
  /** Digest of some bytes, at once: not in every version. */
  hash?(algorithm: string, data: Uint8Array, encoding: "hex"): string;
  /** Digest of some bytes, step by step. */
  createHash(algorithm: string): {
    update(data: Uint8Array): { digest(encoding: "hex"): string };
  };
  /** A cipher that is fed bytes. */
  createCipheriv(algorithm: string, key: Uint8Array, iv: Uint8Array | null): BlockCipher;
  /** A key derived from another (RFC 5869). */
  hkdfSync(
    digest: string,
    key: Uint8Array,
    salt: Uint8Array,
    info: Uint8Array,
    length: number,
  ): ArrayBuffer;
}

/** A cipher that is fed bytes. */
export interface BlockCipher {
  /** Encrypts whole blocks; returns as many bytes. */
  update(data: Uint8Array): Uint8Array;
  /** Switches the padding of the last block. */
  setAutoPadding(on: boolean): unknown;
}

interface World {
  readonly process?: { getBuiltinModule?(name: string): unknown };
}

/**
 * The runtime's `node:crypto`, asked for when a key is made: no import, so that what bundles this
 * library for a browser finds none.
 *
 * @throws {NTPError} `unsupported` where there is none
 */
export function nodeCrypto(): NodeCrypto {
  const found = (globalThis as World).process?.getBuiltinModule?.("node:crypto");
  if (found === undefined) {
    throw new NTPError(
      "unsupported",
      "Symmetric keys need node:crypto, which this runtime lacks: use Deno 2.1, Bun 1.2, Node 20.16 " +
        "or later",
    );
  }
  return found as NodeCrypto;
}
