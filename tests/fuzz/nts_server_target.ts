import { AEAD_IDS } from "../../src/nts/aead/registry.ts";
import { NTS_FIELDS, NtsFields } from "../../src/nts/extension_fields.ts";
import {
  MAX_NTS_REPLY_LENGTH,
  NTS_ABSENT,
  NTS_AUTHENTIC,
  NTS_MALFORMED,
  NTS_REFUSED,
} from "../../src/nts/nts_guard.ts";
import { NtsResponder } from "../../src/nts/nts_responder.ts";
import { openReply } from "../../src/nts/request_protection.ts";
import {
  firstByte,
  HEADER_LENGTH,
  modeOf,
  ORIGIN_TIMESTAMP_AT,
  TRANSMIT_TIMESTAMP_AT,
  versionOf,
} from "../../src/packet/header.ts";
import { MODE_CLIENT, MODE_SERVER } from "../../src/packet/mode.ts";
import { fixedCookieKeys, ntsRequests } from "./nts_corpus.ts";
import { seal, sessionKeys } from "./nts_packets.ts";
import { mixOf, type Target } from "./target.ts";

const GUARD = 0xa5;

/** `NtsResponder`: what it takes is authentic, and its replies are, and are no longer. */
export class NtsServerTarget implements Target {
  readonly name = "nts-server";
  passed = 0;
  readonly corpus: readonly Uint8Array[] = ntsRequests();
  readonly #cookieKeys = fixedCookieKeys();
  readonly #responder = new NtsResponder({ cookieKeys: this.#cookieKeys });
  readonly #fields = new NtsFields();
  readonly #sessions = AEAD_IDS.map(sessionKeys);
  readonly #cookies = this.#sessions.map((keys) => this.#cookieKeys.seal(keys));
  readonly #reply = new Uint8Array(MAX_NTS_REPLY_LENGTH + 64);
  readonly #room = this.#reply.subarray(0, MAX_NTS_REPLY_LENGTH);

  prefers(packet: Uint8Array): boolean {
    return modeOf(packet[0]!) === MODE_CLIENT &&
      this.#fields.read(packet, packet.length) === NTS_FIELDS;
  }

  /** Most packets get a good cookie where they have one as long, and a good authenticator. */
  shape(buffer: Uint8Array, length: number, chance: number): void {
    if (length < HEADER_LENGTH || (chance & 7) === 0) return;
    if ((chance & 0x38) !== 0) buffer[0] = firstByte(0, 4, MODE_CLIENT);
    const fields = this.#fields;
    if (fields.read(buffer, length) !== NTS_FIELDS) return;
    const fits = this.#cookies.findIndex((cookie) => cookie.length === fields.cookieLength);
    if (fits < 0) return;
    buffer.set(this.#cookies[fits]!, fields.cookieAt);
    const { aead, c2s } = this.#sessions[fits]!;
    if ((chance & 0x1c0) !== 0) seal(buffer, length, aead, c2s);
  }

  check(buffer: Uint8Array, length: number): string | undefined {
    // The responder asks about no others.
    if (length <= HEADER_LENGTH || versionOf(buffer[0]!) > 4) return undefined;
    const outcome = this.#responder.open(buffer, length);
    const reply = this.#reply.fill(GUARD);
    for (let i = 1; i < HEADER_LENGTH; i++) reply[i] = i;
    reply[0] = firstByte(0, 4, MODE_SERVER);
    if (outcome === NTS_ABSENT || outcome === NTS_MALFORMED) return undefined;
    const found = this.#fields.read(buffer, length);
    if (found !== NTS_FIELDS || versionOf(buffer[0]!) !== 4) return "taken though it is none";
    const size = outcome === NTS_AUTHENTIC
      ? this.#responder.seal(this.#room)
      : this.#responder.identify(this.#room);
    if (size > length) return `a reply of ${size} bytes to a request of ${length}`;
    for (let i = size || HEADER_LENGTH; i < reply.length; i++) {
      if (reply[i] !== GUARD) return `byte ${i} was written behind a reply of ${size}`;
    }
    if (outcome === NTS_REFUSED) return undefined;
    if (outcome !== NTS_AUTHENTIC) return `outcome ${outcome}`;
    this.passed++;
    return size === 0 ? undefined : this.#checkAnswer(buffer, length, size);
  }

  /** An authentic request has a good cookie; its reply is authentic, and it is not when changed. */
  #checkAnswer(buffer: Uint8Array, length: number, size: number): string | undefined {
    const { cookieAt, cookieLength, uniqueIdentifierLength, authenticatorAt } = this.#fields;
    const keys = this.#cookieKeys.open(buffer.subarray(cookieAt, cookieAt + cookieLength));
    if (keys === undefined) return "authentic without a cookie";
    const reply = this.#reply.slice(0, size);
    const isOurForm = this.#fields.uniqueIdentifierAt === HEADER_LENGTH + 4;
    const mix = mixOf(buffer, length);
    const placed = this.#fields.read(reply, size);
    if (placed !== NTS_FIELDS) return "the reply's fields are wrong";
    if (this.#fields.uniqueIdentifierLength !== uniqueIdentifierLength) return "another identifier";
    if (isOurForm && uniqueIdentifierLength === 32 && mix % 4 === 0) {
      // The header is authenticated too.
      const request = buffer.slice(0, length);
      for (let i = 0; i < 8; i++) {
        reply[ORIGIN_TIMESTAMP_AT + i] = request[TRANSMIT_TIMESTAMP_AT + i]!;
      }
      // The sealed header counts up: a request's timestamp may happen to be the same.
      const isChanged = reply.subarray(ORIGIN_TIMESTAMP_AT, ORIGIN_TIMESTAMP_AT + 8)
        .some((byte, i) => byte !== ORIGIN_TIMESTAMP_AT + i);
      const isAuthentic = openReply(request, keys, reply) !== undefined;
      if (isAuthentic === isChanged) return `authentic: ${isAuthentic}, changed: ${isChanged}`;
    }
    // One wrong bit in what is authenticated.
    const at = mix % authenticatorAt;
    const copy = buffer.slice(0, length);
    copy[at]! ^= 1 << ((mix >>> 16) & 7);
    return this.#responder.open(copy, length) === NTS_AUTHENTIC
      ? `authentic with another byte ${at}`
      : undefined;
  }
}
