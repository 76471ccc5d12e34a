import { NTS_FIELDS, NtsFields } from "../../src/nts/extension_fields.ts";
import { isRefusal, openReply, protectRequest } from "../../src/nts/request_protection.ts";
import {
  firstByte,
  HEADER_LENGTH,
  modeOf,
  ORIGIN_TIMESTAMP_AT,
  TRANSMIT_TIMESTAMP_AT,
} from "../../src/packet/header.ts";
import { MODE_SERVER } from "../../src/packet/mode.ts";
import { makeRequest } from "../../src/client/request.ts";
import { ntsReplies } from "./nts_corpus.ts";
import { seal, sessionKeys } from "./nts_packets.ts";
import { mixOf, type Target } from "./target.ts";

/** `openReply` and `isRefusal`: what is taken is authentic, and as many cookies as can be kept. */
export class NtsClientTarget implements Target {
  readonly name = "nts-client";
  passed = 0;
  readonly corpus: readonly Uint8Array[] = ntsReplies();
  readonly #keys = sessionKeys(15);
  readonly #fields = new NtsFields();
  readonly #request: Uint8Array = protectRequest(
    makeRequest(4, (into) => into.forEach((_, i) => into[i] = 0x11 * (i + 3))),
    this.#keys,
    new Uint8Array(104).fill(9),
    8,
    (into) => into.forEach((_, i) => into[i] = i + 1),
  );

  prefers(packet: Uint8Array): boolean {
    return modeOf(packet[0]!) === MODE_SERVER &&
      this.#fields.read(packet, packet.length) === NTS_FIELDS;
  }

  shape(buffer: Uint8Array, length: number, chance: number): void {
    if (length < HEADER_LENGTH || (chance & 7) === 0) return;
    if ((chance & 0x38) !== 0) buffer[0] = firstByte(0, 4, MODE_SERVER);
    const at = TRANSMIT_TIMESTAMP_AT;
    if ((chance & 0x1c0) !== 0) {
      buffer.set(this.#request.subarray(at, at + 8), ORIGIN_TIMESTAMP_AT);
    }
    if (this.#fields.read(buffer, length) !== NTS_FIELDS) return;
    const { uniqueIdentifierAt, uniqueIdentifierLength } = this.#fields;
    if (uniqueIdentifierLength === 32 && (chance & 0xe00) !== 0) {
      buffer.set(this.#request.subarray(52, 84), uniqueIdentifierAt);
    }
    if ((chance & 0x7000) !== 0) seal(buffer, length, 15, this.#keys.s2c);
  }

  check(buffer: Uint8Array, length: number): string | undefined {
    const data = buffer.subarray(0, length);
    if (isRefusal(this.#request, data) && (data[1] !== 0 || length < 84)) return "a wrong refusal";
    const cookies = openReply(this.#request, this.#keys, data);
    if (cookies === undefined) return undefined;
    this.passed++;
    if (cookies.length > 8) return `${cookies.length} cookies`;
    const odd = cookies.find((one) => one.length < 4 || one.length > 1024 || one.length % 4 !== 0);
    if (odd !== undefined) return `a cookie of ${odd.length} bytes`;
    if (this.#fields.read(data, length) !== NTS_FIELDS) return "taken though it is no reply";
    const mix = mixOf(data, length);
    const copy = data.slice();
    const at = mix % this.#fields.authenticatorAt;
    copy[at]! ^= 1 << ((mix >>> 16) & 7);
    return openReply(this.#request, this.#keys, copy) === undefined
      ? undefined
      : `authentic with another byte ${at}`;
  }
}
