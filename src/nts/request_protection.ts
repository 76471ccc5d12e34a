import { beginsWith } from "../auth/begins_with.ts";
import { givesBack } from "../packet/gives_back.ts";
import {
  HEADER_LENGTH,
  readWord,
  REFERENCE_ID_AT,
  STRATUM_AT,
  versionOf,
} from "../packet/header.ts";
import { referenceIdFromText } from "../packet/reference_id.ts";
import { trailerPart } from "../packet/trailer.ts";
import { TAG_LENGTH } from "./aead/aead.ts";
import { aeadWith } from "./aead/registry.ts";
import {
  AUTHENTICATOR,
  COOKIE,
  COOKIE_PLACEHOLDER,
  encryptedPart,
  FIELD_HEADER,
  MAX_COOKIE_LENGTH,
  MAX_COOKIES,
  MIN_UNIQUE_IDENTIFIER,
  NTS_FIELDS,
  NtsFields,
  padded,
  UNIQUE_IDENTIFIER,
  writeFieldHeader,
} from "./extension_fields.ts";
import type { NtsKeys } from "./nts_keys.ts";
import type { NtsRandom } from "./random_pool.ts";

/** Longest request, in bytes: with the headers of UDP and IPv6 it fits in 1280, which every link has. */
const MAX_REQUEST_LENGTH = 1232;
const NTSN: number = referenceIdFromText("NTSN");
const IDENTIFIER_AT: number = HEADER_LENGTH + FIELD_HEADER;
const COOKIE_AT: number = IDENTIFIER_AT + MIN_UNIQUE_IDENTIFIER;
const NO_CONTENT = new Uint8Array(0);
const fields = new NtsFields();

/**
 * Makes a request with NTS of a plain one (RFC 8915 §5.7).
 *
 * @param header a request of version 4, 48 bytes
 * @param keys the session's
 * @param cookie one that was never sent before
 * @param wanted how many cookies to ask for, at least one; as many as there is room for
 * @param random where the unique identifier and the nonce come from
 * @returns new bytes
 */
export function protectRequest(
  header: Uint8Array,
  keys: NtsKeys,
  cookie: Uint8Array,
  wanted: number,
  random: NtsRandom,
): Uint8Array {
  const aead = aeadWith(keys.aead)!;
  // RFC 7822 §3: no field is shorter than 16 bytes.
  const field = Math.max(16, FIELD_HEADER + padded(cookie.length));
  const authenticator = 2 * FIELD_HEADER + padded(aead.nonceLength) + TAG_LENGTH;
  const room = Math.floor((MAX_REQUEST_LENGTH - COOKIE_AT - authenticator) / field);
  const cookies = Math.max(1, Math.min(wanted, MAX_COOKIES, room));
  const end = COOKIE_AT + cookies * field;
  const bytes = new Uint8Array(end + authenticator);
  bytes.set(header);
  writeFieldHeader(bytes, HEADER_LENGTH, UNIQUE_IDENTIFIER, COOKIE_AT - HEADER_LENGTH);
  random(bytes.subarray(IDENTIFIER_AT, COOKIE_AT));
  writeFieldHeader(bytes, COOKIE_AT, COOKIE, field);
  bytes.set(cookie, COOKIE_AT + FIELD_HEADER);
  for (let at = COOKIE_AT + field; at < end; at += field) {
    writeFieldHeader(bytes, at, COOKIE_PLACEHOLDER, field);
  }
  writeFieldHeader(bytes, end, AUTHENTICATOR, authenticator);
  writeFieldHeader(bytes, end + FIELD_HEADER, aead.nonceLength, TAG_LENGTH);
  const nonceAt = end + 2 * FIELD_HEADER;
  const nonce = bytes.subarray(nonceAt, nonceAt + aead.nonceLength);
  random(nonce);
  const tag = bytes.subarray(nonceAt + padded(aead.nonceLength));
  aead.seal(keys.c2s, nonce, bytes.subarray(0, end), NO_CONTENT, tag);
  return bytes;
}

/** Whether there is one unique identifier before `end`, and it is the request's. */
function hasIdentifier(request: Uint8Array, data: Uint8Array, end: number): boolean {
  const own = request.subarray(IDENTIFIER_AT, COOKIE_AT);
  let count = 0, isOwn = false;
  const version = versionOf(data[0]!);
  for (let at = HEADER_LENGTH, part; at < end; at += part) {
    part = trailerPart(data, at, data.length, version);
    if (part <= 0) break;
    if (readWord(data, at) >>> 16 !== UNIQUE_IDENTIFIER) continue;
    count++;
    isOwn = part === own.length + FIELD_HEADER &&
      beginsWith(data.subarray(at + FIELD_HEADER, at + part), own);
  }
  return count === 1 && isOwn;
}

/**
 * The cookies of a reply, if it is authentic: it answers this request, and was sealed with the
 * server's key (RFC 8915 §5.7). Only encrypted cookies are cookies. Never throws.
 *
 * @param request what {@linkcode protectRequest} made
 * @param keys those it was made with
 * @param data what arrived
 * @returns new bytes, none of them empty or too long, as many as a client keeps; `undefined` where
 * the reply is not authentic
 */
export function openReply(
  request: Uint8Array,
  keys: NtsKeys,
  data: Uint8Array,
): Uint8Array[] | undefined {
  if (data.length < HEADER_LENGTH || !givesBack(request, data)) return undefined;
  if (fields.read(data, data.length) !== NTS_FIELDS) return undefined;
  const { nonceAt, nonceLength, ciphertextAt, ciphertextLength, authenticatorAt } = fields;
  if (!hasIdentifier(request, data, authenticatorAt)) return undefined;
  const aead = aeadWith(keys.aead)!;
  if (!fields.suits(aead)) return undefined;
  const content = new Uint8Array(ciphertextLength - TAG_LENGTH);
  const isAuthentic = aead.open(
    keys.s2c,
    data.subarray(nonceAt, nonceAt + nonceLength),
    data.subarray(0, authenticatorAt),
    data.subarray(ciphertextAt, ciphertextAt + ciphertextLength),
    content,
  );
  return isAuthentic ? cookiesIn(content) : undefined;
}

/** Cookies among encrypted fields; `undefined` where these are no fields. */
function cookiesIn(content: Uint8Array): Uint8Array[] | undefined {
  const cookies: Uint8Array[] = [];
  let at = 0, part;
  while ((part = encryptedPart(content, at)) > 0) {
    const length = part - FIELD_HEADER;
    const isCookie = readWord(content, at) >>> 16 === COOKIE;
    if (isCookie && length > 0 && length <= MAX_COOKIE_LENGTH && cookies.length < MAX_COOKIES) {
      cookies.push(content.slice(at + FIELD_HEADER, at + part));
    }
    at += part;
  }
  return part === 0 ? cookies : undefined;
}

/**
 * Whether a datagram says that the server does not take the cookie: the kiss code NTSN, with random
 * timestamp and unique identifier of this request. It is not authentic all the same: who sees the
 * request can send it.
 *
 * @param request what {@linkcode protectRequest} made
 * @param data what arrived
 */
export function isRefusal(request: Uint8Array, data: Uint8Array): boolean {
  return data.length > HEADER_LENGTH && data[STRATUM_AT] === 0 &&
    readWord(data, REFERENCE_ID_AT) === NTSN && givesBack(request, data) &&
    hasIdentifier(request, data, data.length);
}
