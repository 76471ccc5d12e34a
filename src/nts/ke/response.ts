import { AES_128_GCM_SIV } from "../aead/registry.ts";
import { MAX_COOKIE_LENGTH, MAX_COOKIES } from "../extension_fields.ts";
import {
  encodeMessage,
  KE_ERROR,
  type KeErrorCode,
  type KeRecord,
  NTPV4,
  numbersOf,
  numbersRecord,
  RECORD,
  textRecord,
} from "./record.ts";
import { recordsFault } from "./request.ts";
import { serverNameOf } from "./server_name.ts";

/** Longest response that is read: eight cookies are a kilobyte or two. */
export const MAX_RESPONSE_LENGTH = 16_384;

/** What a server agrees to. */
export interface KeResponse {
  /** AEAD algorithm. */
  readonly aead: number;
  /** Whether it says that it exports the keys of AES-128-GCM-SIV as the RFC says. */
  readonly compliantExporter: boolean;
  /** Cookies. */
  readonly cookies: readonly Uint8Array[];
  /** NTP server to ask. */
  readonly server?: string | undefined;
  /** Port to ask it at. */
  readonly port?: number | undefined;
}

/** A response that gives cookies, as a message. */
export function encodeResponse(response: KeResponse): Uint8Array {
  const { aead, compliantExporter, cookies, server, port } = response;
  const records: KeRecord[] = [
    numbersRecord(true, RECORD.nextProtocol, [NTPV4]),
    numbersRecord(true, RECORD.aead, [aead]),
  ];
  if (compliantExporter && aead === AES_128_GCM_SIV) {
    records.push(numbersRecord(false, RECORD.compliantExporter, []));
  }
  if (server !== undefined) records.push(textRecord(true, RECORD.server, server));
  if (port !== undefined) records.push(numbersRecord(true, RECORD.port, [port]));
  records.push(...cookies.map((body) => ({ critical: false, type: RECORD.cookie, body })));
  return encodeMessage(records);
}

/** A response that says what is not to be had: the protocol, or all of the algorithms. */
export function encodeNothingInCommon(what: "protocol" | "aead"): Uint8Array {
  if (what === "protocol") return encodeMessage([numbersRecord(true, RECORD.nextProtocol, [])]);
  return encodeMessage([
    numbersRecord(true, RECORD.nextProtocol, [NTPV4]),
    numbersRecord(true, RECORD.aead, []),
  ]);
}

/** A response that refuses. */
export function encodeError(code: KeErrorCode): Uint8Array {
  return encodeMessage([numbersRecord(true, RECORD.error, [code])]);
}

/** What error records say, and what to do about it. */
const ERRORS: Readonly<Record<number, string>> = {
  [KE_ERROR.unrecognizedCritical]: "does not know a record of the request (error 0)",
  [KE_ERROR.badRequest]: "takes the request to be wrong (error 1)",
  [KE_ERROR.internal]: "has a fault of its own (error 2): try later",
};

/**
 * Reads a response (RFC 8915 §4).
 *
 * @param records without the end of the message
 * @param aeads algorithms that were asked for
 * @returns what the server agrees to, or what is wrong: words to follow its name
 */
export function readResponse(
  records: readonly KeRecord[],
  aeads: readonly number[],
): KeResponse | string {
  const find = (type: number) => records.find((record) => record.type === type);
  const numbers = (type: number) => {
    const record = find(type);
    return record && numbersOf(record);
  };
  const code = numbers(RECORD.error);
  if (code !== undefined) return ERRORS[code[0] ?? -1] ?? `refuses with error ${code.join(" ")}`;
  // No codes are defined, and those that are not known count as errors (§4.1.4).
  const warning = numbers(RECORD.warning);
  if (warning !== undefined) return `warns with code ${warning.join(" ")}, which is not known`;
  if (find(RECORD.error) ?? find(RECORD.warning)) return "sent an error that cannot be read";
  switch (recordsFault(records)) {
    case KE_ERROR.unrecognizedCritical:
      return "sent a critical record of a type that is not known";
    case KE_ERROR.badRequest:
      return "sent a record twice";
  }
  const protocols = numbers(RECORD.nextProtocol);
  if (protocols === undefined) return "did not say for which protocol";
  if (protocols.length === 0) return "does not serve NTPv4";
  if (protocols.some((protocol) => protocol !== NTPV4)) {
    return `agreed to protocol ${protocols.join(", ")}, which was not asked for`;
  }
  const [aead, ...others] = numbers(RECORD.aead) ?? [-1];
  if (aead === -1) return "did not say which algorithm";
  if (aead === undefined) {
    return `has none of the algorithms asked for (AEAD ${aeads.join(", ")}): allow others`;
  }
  if (others.length > 0 || !aeads.includes(aead)) {
    return `chose AEAD ${[aead, ...others].join(", ")}, though ${aeads.join(", ")} was asked for`;
  }
  return readPlace(records, find, aead);
}

function readPlace(
  records: readonly KeRecord[],
  find: (type: number) => KeRecord | undefined,
  aead: number,
): KeResponse | string {
  const cookies = records.filter(({ type }) => type === RECORD.cookie).map(({ body }) => body);
  if (cookies.length === 0) return "gave no cookie";
  const unfit = cookies.find(({ length }) => length === 0 || length > MAX_COOKIE_LENGTH);
  if (unfit !== undefined) return `gave a cookie of ${unfit.length} octets`;
  const named = find(RECORD.server), numbered = find(RECORD.port);
  const server = named && serverNameOf(named.body);
  if (named !== undefined && server === undefined) return "named an NTP server that is no host";
  const port = numbered && numbersOf(numbered);
  if (port !== undefined || numbered !== undefined) {
    if (port?.length !== 1 || port[0] === 0) return "named a port that is none";
  }
  return {
    aead,
    compliantExporter: find(RECORD.compliantExporter)?.body.length === 0,
    cookies: cookies.slice(0, MAX_COOKIES),
    server,
    port: port?.[0],
  };
}
