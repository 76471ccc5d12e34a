import { NTPError } from "../packet/error.ts";
import { beginsWith } from "./begins_with.ts";
import { Cmac } from "./cmac.ts";
import { KeyedDigest } from "./keyed_digest.ts";

/**
 * How a key makes MACs: a digest of key and packet (RFC 5905 §7.3), or AES-CMAC (RFC 8573). HMAC is
 * none of NTP's forms.
 */
export type KeyType = "MD5" | "SHA1" | "SHA256" | "SHA384" | "SHA512" | "AES128" | "AES256";

/** Longest digest that version 4 has room for; longer ones are cut (RFC 7822 §3). */
const MAX_DIGEST_V4 = 20;
/** Longest secret of a digest key, in bytes. */
const MAX_SECRET = 1024;

/** What a type of key needs: the digest's name, or the length of the cipher's key. */
interface KeyTypeFacts {
  readonly digest?: string;
  readonly secretLength?: number;
  readonly macLength: number;
}

const FACTS: Readonly<Record<KeyType, KeyTypeFacts>> = {
  MD5: { digest: "md5", macLength: 16 },
  SHA1: { digest: "sha1", macLength: 20 },
  SHA256: { digest: "sha256", macLength: 32 },
  SHA384: { digest: "sha384", macLength: 48 },
  SHA512: { digest: "sha512", macLength: 64 },
  AES128: { secretLength: 16, macLength: 16 },
  AES256: { secretLength: 32, macLength: 16 },
};

/** All types of keys. */
export const KEY_TYPES: readonly KeyType[] = Object.keys(FACTS) as KeyType[];

function factsOf(type: KeyType): KeyTypeFacts {
  const facts = Object.hasOwn(FACTS, type) ? FACTS[type] : undefined;
  if (facts !== undefined) return facts;
  throw new TypeError(`A key's type is one of ${KEY_TYPES.join(", ")}, not ${String(type)}`);
}

/**
 * Length of the secret that a type needs, in bytes; `undefined` when it may have any.
 *
 * @throws {TypeError} if there is no such type
 */
export function secretLengthOf(type: KeyType): number | undefined {
  return factsOf(type).secretLength;
}

/**
 * The secret of a key, for what makes the same key in another thread; exported from here only. A
 * copy: to be passed on, and never written or shown.
 */
export let exposeSecret: (key: SymmetricKey) => Uint8Array;

/**
 * A key that a server and its clients share, to tell their packets from forged ones. What it was
 * made of is never shown: not in JSON, not in logs, not in errors.
 *
 * @example A signature, and a forged one
 * ```ts
 * import { SymmetricKey } from "@ntps/ntps";
 * import { assertEquals } from "@std/assert";
 *
 * const key = new SymmetricKey({ id: 7, type: "AES128", secret: new Uint8Array(16) });
 * const message = new Uint8Array(48);
 * const digest = key.sign(message, 4);
 * assertEquals(key.verify(message, digest, 4), true);
 * assertEquals(key.verify(message, digest.map((byte) => byte ^ 1), 4), false);
 * ```
 */
export class SymmetricKey {
  /** Key identifier, 1 to 2^32 - 1. */
  readonly id: number;
  /** How it makes MACs. */
  readonly type: KeyType;
  readonly #mac: Cmac | KeyedDigest;
  readonly #macLength: number;
  readonly #secret: Uint8Array;

  static {
    exposeSecret = (key) => key.#secret.slice();
  }

  /**
   * Makes a key.
   *
   * @param key `id`, 1 to 2^32 - 1; `type`; and `secret`: 16 bytes for AES128, 32 for AES256, 1 to
   * 1024 for the others. The bytes are copied
   * @throws {TypeError} if something has the wrong type
   * @throws {RangeError} if the id is out of range or the secret has the wrong length
   * @throws {NTPError} `unsupported` where the runtime lacks `node:crypto` or, as under FIPS, the
   * algorithm
   */
  constructor(key: { id: number; type: KeyType; secret: Uint8Array }) {
    const { id, type, secret } = key;
    if (!Number.isInteger(id) || id < 1 || id > 0xffffffff) {
      throw new RangeError(`A key's id is a whole number from 1 to 4294967295, not ${String(id)}`);
    }
    const { digest, secretLength, macLength } = factsOf(type);
    if (!(secret instanceof Uint8Array)) {
      throw new TypeError(`Key ${id}: secret is a Uint8Array, not ${typeof secret}`);
    }
    if (secretLength !== undefined && secret.length !== secretLength) {
      throw new RangeError(
        `Key ${id}: a secret for ${type} has ${secretLength} bytes, not ${secret.length}`,
      );
    }
    if (secret.length < 1 || secret.length > MAX_SECRET) {
      throw new RangeError(
        `Key ${id}: a secret has 1 to ${MAX_SECRET} bytes, not ${secret.length}`,
      );
    }
    this.id = id;
    this.type = type;
    this.#macLength = macLength;
    this.#secret = secret.slice();
    try {
      this.#mac = digest === undefined ? new Cmac(secret) : new KeyedDigest(digest, secret);
      this.#mac.sign(new Uint8Array(0), 0); // what does not work must not be found out by a packet
    } catch (cause) {
      if (cause instanceof NTPError) throw cause;
      const message = `Key ${id}: the node:crypto of this runtime does not do ${type}`;
      throw new NTPError("unsupported", message, { cause });
    }
  }

  /**
   * Length of this key's digests in a packet, in bytes.
   *
   * @param version version of the packet: 4 has room for 20 bytes only
   */
  digestLength(version: number): number {
    return version >= 4 ? Math.min(MAX_DIGEST_V4, this.#macLength) : this.#macLength;
  }

  /**
   * The digest of a message.
   *
   * @param message a packet up to where the MAC begins
   * @param version version of the packet
   * @returns new bytes, {@linkcode SymmetricKey.digestLength} of them
   */
  sign(message: Uint8Array, version: number): Uint8Array {
    return this.#mac.sign(message, this.digestLength(version));
  }

  /**
   * Whether a digest is this key's digest of a message. Takes the same time wherever they differ.
   *
   * @param message a packet up to where the MAC begins
   * @param digest the digest in it
   * @param version version of the packet; before 4 a digest may have its full length or be cut to 20
   * bytes, as peers disagree
   */
  verify(message: Uint8Array, digest: Uint8Array, version: number): boolean {
    const { length } = digest;
    return this.#mayHave(length, version) && beginsWith(this.#mac.sign(message, length), digest);
  }

  /**
   * Takes a request with its MAC, to be checked by {@linkcode SymmetricKey.answer}: a server that
   * checks one and signs the reply in one step takes half of the time. What is taken is copied.
   *
   * @param request holds the datagram at its beginning
   * @param at where the MAC begins: key identifier, digest
   * @param length length of the datagram
   * @param version version of the packet
   * @returns false if no digest of this key has that length: then nothing was taken
   */
  take(request: Uint8Array, at: number, length: number, version: number): boolean {
    if (!this.#mayHave(length - at - 4, version)) return false;
    this.#mac.take(request, at, at + 4, length);
    return true;
  }

  /**
   * Checks the digest of the request taken last, and puts this key's digest behind the reply, of the
   * same length.
   *
   * @param reply holds the reply at its beginning
   * @param at where its digest begins
   * @param length length of the reply, without MAC
   * @returns whether the request's digest is right; if not, there is none behind the reply. Takes the
   * same time wherever it is wrong
   */
  answer(reply: Uint8Array, at: number, length: number): boolean {
    return this.#mac.answer(reply, length, at);
  }

  /** Whether a digest may have a length. */
  #mayHave(length: number, version: number): boolean {
    const isCut = version < 4 && length === MAX_DIGEST_V4 && length < this.#macLength;
    return isCut || length === this.digestLength(version);
  }

  /** Without the secret. */
  toJSON(): { id: number; type: KeyType } {
    return { id: this.id, type: this.type };
  }
}
