import { HEADER_LENGTH } from "../packet/header.ts";
import { type Aead, TAG_LENGTH } from "./aead/aead.ts";
import { aeadWith } from "./aead/registry.ts";
import type { CookieKeys } from "./cookie_keys.ts";
import {
  AUTHENTICATOR,
  COOKIE,
  encryptedPlaceholders,
  FIELD_HEADER,
  MAX_COOKIES,
  MAX_UNIQUE_IDENTIFIER,
  NO_NTS_FIELDS,
  NTS_FIELDS,
  NtsFields,
  padded,
  UNIQUE_IDENTIFIER,
  writeFieldHeader,
} from "./extension_fields.ts";
import {
  MAX_NTS_REPLY_LENGTH,
  NTS_ABSENT,
  NTS_AUTHENTIC,
  NTS_MALFORMED,
  NTS_REFUSED,
  type NtsGuard,
} from "./nts_guard.ts";
import type { NtsKeys } from "./nts_keys.ts";
import { type NtsRandom, RandomPool, systemRandom } from "./random_pool.ts";

/** Options of {@linkcode NtsResponder}. */
export interface NtsResponderOptions {
  /** The keys that the cookies of its clients were made with: those of the key exchange. */
  cookieKeys: CookieKeys;
  /** Fills bytes with random ones. Default: `crypto.getRandomValues`. */
  random?: NtsRandom;
}

/**
 * The server's side of NTS for NTP (RFC 8915 §5): opens what clients send, and seals the replies. It
 * keeps nothing about any client: all that it needs is in the cookie.
 *
 * @example A server that authenticates itself
 * ```ts
 * import { NTPServer } from "@ntps/ntps";
 * import { NtsResponder, RotatingCookieKeys } from "@ntps/ntps/nts";
 *
 * const cookieKeys = new RotatingCookieKeys(); // the server of the key exchange has the same
 * const server = new NTPServer({ nts: new NtsResponder({ cookieKeys }) });
 * await server.listen({ hostname: "127.0.0.1", port: 0 });
 * await server.close();
 * ```
 */
export class NtsResponder implements NtsGuard {
  readonly #cookieKeys: CookieKeys;
  readonly #pool: RandomPool;
  readonly #fields = new NtsFields();
  readonly #identifier = new Uint8Array(MAX_UNIQUE_IDENTIFIER);
  readonly #nonce = new Uint8Array(16);
  readonly #content = new Uint8Array(MAX_NTS_REPLY_LENGTH);
  /** Of the request that was opened last: its keys and its length. */
  #keys: NtsKeys | undefined;
  #aead: Aead | undefined;
  #length = 0;
  #identifierLength = 0;
  /** How many bytes of new cookies stand ready, and how many cookies. */
  #contentLength = 0;
  #ready = 0;
  /** How many cookies it has sent. */
  #cookies = 0;

  /**
   * Makes a responder.
   *
   * @param options the keys of cookies, and randomness
   * @throws {TypeError} if `cookieKeys` are none
   */
  constructor({ cookieKeys, random = systemRandom }: NtsResponderOptions) {
    if (typeof cookieKeys?.open !== "function" || typeof cookieKeys.seal !== "function") {
      throw new TypeError("cookieKeys is a RotatingCookieKeys, a SharedCookieKeys, or like them");
    }
    this.#cookieKeys = cookieKeys;
    this.#pool = new RandomPool(random);
  }

  /** How many cookies it has sent. */
  get cookies(): number {
    return this.#cookies;
  }

  /** Looks at a request; see {@linkcode NtsGuard.open}. */
  open(request: Uint8Array, length: number): number {
    const fields = this.#fields;
    const found = fields.read(request, length);
    if (found === NO_NTS_FIELDS) return NTS_ABSENT;
    const { uniqueIdentifierAt, uniqueIdentifierLength, cookieAt, cookieLength } = fields;
    if (found !== NTS_FIELDS || cookieLength === 0) return NTS_MALFORMED;
    if (uniqueIdentifierLength > MAX_UNIQUE_IDENTIFIER) return NTS_MALFORMED;
    this.#length = length;
    this.#identifierLength = uniqueIdentifierLength;
    // The reply may be written over the request.
    for (let i = 0; i < uniqueIdentifierLength; i++) {
      this.#identifier[i] = request[uniqueIdentifierAt + i]!;
    }
    this.#keys = this.#cookieKeys.open(request.subarray(cookieAt, cookieAt + cookieLength));
    this.#aead = this.#keys && aeadWith(this.#keys.aead);
    if (this.#aead === undefined) return NTS_REFUSED;
    if (!fields.suits(this.#aead)) return NTS_REFUSED;
    // RFC 8915 §5.6: a request that leaves no room for our nonce is discarded.
    if (!fields.hasRoomForNonce(this.#aead)) return NTS_MALFORMED;
    return this.#authenticate(request, this.#aead, this.#keys!);
  }

  /** Completes a reply to an authentic request; see {@linkcode NtsGuard.seal}. */
  seal(reply: Uint8Array): number {
    const keys = this.#keys, aead = this.#aead;
    if (keys === undefined || aead === undefined) return 0;
    const start = HEADER_LENGTH + FIELD_HEADER + this.#identifierLength;
    const { nonceLength } = aead;
    const sealedAt = start + FIELD_HEADER + 4 + padded(nonceLength);
    const end = this.#contentLength;
    const length = sealedAt + end + TAG_LENGTH;
    if (end === 0 || length > this.#length) return 0; // RFC 8915 §5.7: one cookie at least
    this.#writeIdentifier(reply);
    writeFieldHeader(reply, start, AUTHENTICATOR, length - start);
    writeFieldHeader(reply, start + FIELD_HEADER, nonceLength, end + TAG_LENGTH);
    const nonceAt = start + FIELD_HEADER + 4;
    this.#pool.fill(this.#nonce, 0, nonceLength);
    const nonce = this.#nonce.subarray(0, nonceLength);
    reply.set(nonce, nonceAt);
    aead.seal(
      keys.s2c,
      nonce,
      reply.subarray(0, start),
      this.#content.subarray(0, end),
      reply.subarray(sealedAt, length),
    );
    this.#cookies += this.#ready;
    return length;
  }

  /** Completes a refusal; see {@linkcode NtsGuard.identify}. */
  identify(reply: Uint8Array): number {
    this.#writeIdentifier(reply);
    return HEADER_LENGTH + FIELD_HEADER + this.#identifierLength;
  }

  #authenticate(request: Uint8Array, aead: Aead, keys: NtsKeys): number {
    const { nonceAt, nonceLength, ciphertextAt, ciphertextLength, authenticatorAt } = this.#fields;
    const content = new Uint8Array(ciphertextLength - TAG_LENGTH);
    const isAuthentic = aead.open(
      keys.c2s,
      request.subarray(nonceAt, nonceAt + nonceLength),
      request.subarray(0, authenticatorAt),
      request.subarray(ciphertextAt, ciphertextAt + ciphertextLength),
      content,
    );
    if (!isAuthentic) return NTS_REFUSED;
    const encrypted = encryptedPlaceholders(content, this.#fields.cookieLength);
    if (encrypted < 0) return NTS_MALFORMED;
    // A request for very many is answered with as many as a client can keep.
    this.#bake(keys, Math.min(MAX_COOKIES, 1 + this.#fields.placeholders + encrypted));
    return NTS_AUTHENTIC;
  }

  /** Makes cookies now, since what comes after the transmit timestamp makes the reply late. */
  #bake(keys: NtsKeys, count: number): void {
    const content = this.#content;
    // As much room as the request's own cookie and placeholders take (RFC 8915 §5.5).
    const most = Math.min(count * (FIELD_HEADER + this.#fields.cookieLength), content.length - 512);
    let end = 0;
    this.#ready = 0;
    for (let i = 0; i < count; i++) {
      const cookie = this.#cookieKeys.seal(keys);
      const field = FIELD_HEADER + cookie.length;
      if (end + field > most || (field & 3) !== 0) break;
      writeFieldHeader(content, end, COOKIE, field);
      content.set(cookie, end + FIELD_HEADER);
      end += field;
      this.#ready++;
    }
    this.#contentLength = end;
  }

  #writeIdentifier(reply: Uint8Array): void {
    const length = FIELD_HEADER + this.#identifierLength;
    writeFieldHeader(reply, HEADER_LENGTH, UNIQUE_IDENTIFIER, length);
    for (let i = 0; i < this.#identifierLength; i++) {
      reply[HEADER_LENGTH + FIELD_HEADER + i] = this.#identifier[i]!;
    }
  }
}
