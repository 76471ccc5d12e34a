import { AES_128_GCM_SIV } from "../aead/registry.ts";
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
import { serverNameOf } from "./server_name.ts";

/** Longest request that is read. Those of the clients there are have less than a hundred octets. */
export const MAX_REQUEST_LENGTH = 4096;

/** What a client asks for. */
export interface KeRequest {
  /** AEAD algorithms, the preferred ones first. */
  readonly aeads: readonly number[];
  /** Whether it can export the keys of AES-128-GCM-SIV as the RFC says, and says so. */
  readonly compliantExporter: boolean;
  /** NTP server that it would like to ask. */
  readonly server?: string | undefined;
  /** Port that it would like to ask it at. */
  readonly port?: number | undefined;
}

/** A request for NTPv4 as a message. */
export function encodeRequest(
  { aeads, server, port }: Omit<KeRequest, "compliantExporter">,
): Uint8Array {
  const records: KeRecord[] = [
    numbersRecord(true, RECORD.nextProtocol, [NTPV4]),
    numbersRecord(true, RECORD.aead, aeads),
  ];
  if (aeads.includes(AES_128_GCM_SIV)) {
    records.push(numbersRecord(false, RECORD.compliantExporter, []));
  }
  // Whether the server goes by these is its own affair, so they are not critical.
  if (server !== undefined) records.push(textRecord(false, RECORD.server, server));
  if (port !== undefined) records.push(numbersRecord(false, RECORD.port, [port]));
  return encodeMessage(records);
}

/** Records of which a message has one at most. */
const SINGLE: readonly number[] = [RECORD.nextProtocol, RECORD.aead, RECORD.server, RECORD.port];

/** Records that only servers send. */
const OF_SERVERS: readonly number[] = [RECORD.error, RECORD.warning, RECORD.cookie];

const KNOWN: readonly number[] = Object.values(RECORD);

/**
 * What to refuse some records for, whichever side they are from: a critical one that is not known, or
 * two of which there may be one (RFC 8915 §4).
 *
 * @returns undefined if nothing is wrong
 */
export function recordsFault(records: readonly KeRecord[]): KeErrorCode | undefined {
  if (records.some(({ critical, type }) => critical && !KNOWN.includes(type))) {
    return KE_ERROR.unrecognizedCritical;
  }
  const twice = SINGLE.some((type) => records.filter((record) => record.type === type).length > 1);
  return twice ? KE_ERROR.badRequest : undefined;
}

/**
 * Reads a request (RFC 8915 §4). Of unknown records only critical ones matter.
 *
 * @param records without the end of the message
 * @returns what is asked for; `undefined` if it is not NTPv4; or the error to answer with
 */
export function readRequest(records: readonly KeRecord[]): KeRequest | KeErrorCode | undefined {
  const fault = recordsFault(records);
  if (fault !== undefined) return fault;
  if (records.some(({ type }) => OF_SERVERS.includes(type))) return KE_ERROR.badRequest;
  const find = (type: number) => records.find((record) => record.type === type);
  const protocol = find(RECORD.nextProtocol);
  const protocols = protocol?.critical ? numbersOf(protocol) : undefined;
  if (protocols === undefined || protocols.length === 0) return KE_ERROR.badRequest;
  if (!protocols.includes(NTPV4)) return undefined;
  const aead = find(RECORD.aead), named = find(RECORD.server), port = find(RECORD.port);
  const aeads = aead && numbersOf(aead);
  if (aeads === undefined || aeads.length === 0) return KE_ERROR.badRequest;
  const server = named && serverNameOf(named.body);
  if (named !== undefined && server === undefined) return KE_ERROR.badRequest;
  if (port !== undefined && port.body.length !== 2) return KE_ERROR.badRequest;
  return {
    aeads,
    compliantExporter: find(RECORD.compliantExporter)?.body.length === 0,
    server,
    port: port && numbersOf(port)![0],
  };
}
