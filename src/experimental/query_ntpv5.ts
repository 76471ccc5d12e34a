import type { Exchange } from "../client/measurement.ts";
import { exchange } from "../client/exchange.ts";
import type { RequestForm } from "../client/request_form.ts";
import { decodeReply } from "../client/match.ts";
import {
  type CheckedOptions,
  checkHost,
  checkOptions,
  type QueryOptions,
} from "../client/options.ts";
import { queryBy, type QueryResult } from "../client/query.ts";
import { makeRequest } from "../client/request.ts";
import { NTPError } from "../packet/error.ts";
import {
  HEADER_LENGTH,
  modeOf,
  REFERENCE_TIMESTAMP_AT,
  TRANSMIT_TIMESTAMP_AT,
  versionOf,
  writeTimestamp,
} from "../packet/header.ts";
import { MODE_SERVER } from "../packet/mode.ts";
import { NTPPacket } from "../packet/packet.ts";
import { NTPV5_UPGRADE } from "../server/ntpv5_guard.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import { DRAFT_BYTES, NTPV5_DRAFT } from "./ntpv5_draft.ts";
import {
  DRAFT_IDENTIFICATION,
  REFERENCE_IDS_REQUEST,
  REFERENCE_IDS_RESPONSE,
  REFERENCE_TIMESTAMP,
  SERVER_INFORMATION,
} from "./ntpv5_fields.ts";
import { CLIENT_COOKIE_AT, NTPV5, SMEARED_UTC, UTC } from "./ntpv5_header.ts";
import { NTPv5Packet } from "./ntpv5_packet.ts";
import { ReferenceIdFilter } from "./reference_id_filter.ts";

/** Options of {@linkcode queryNTPv5}. There are no keys and no NTS in it. */
export interface NTPv5QueryOptions extends Omit<QueryOptions, "version" | "key" | "nts"> {
  /**
   * Whether to ask in version 4 first, and in version 5 only a server that says it has it, as the draft
   * recommends. Default true; false asks in version 5 at once.
   */
  negotiate?: boolean;
  /** Whether to ask for the reference IDs of the server and of those it follows. Default false. */
  referenceIds?: boolean;
}

/** What {@linkcode queryNTPv5} found out. */
export interface NTPv5QueryResult extends QueryResult {
  /** The response in NTPv5; absent when the server has only version 4. `packet` tells it as version 4 would. */
  readonly ntpv5?: NTPv5Packet;
  /** Reference IDs of the server and of those it follows, if they were asked for and told. */
  readonly referenceIds?: ReferenceIdFilter;
}

/**
 * Asks a server for the time in NTPv5 (draft-ietf-ntp-ntpv5-08), or in version 4 where it does not say
 * that it has it. What is returned has been validated as by `query()`.
 *
 * @param host name or IP address
 * @param options all optional
 * @throws {TypeError} if an option has the wrong type
 * @throws {RangeError} if an option is out of range
 * @throws {NTPError} as `query()`; `unsupported` if the server answers in another draft, or in a
 * timescale that is not UTC
 *
 * @example In version 4, of a server that has no other
 * ```ts
 * import { NTPServer } from "@ntps/ntps";
 * import { queryNTPv5 } from "@ntps/ntps/experimental";
 * import { assertEquals } from "@std/assert";
 *
 * const server = new NTPServer();
 * const { port } = await server.listen({ hostname: "127.0.0.1", port: 0 });
 * const { packet, ntpv5 } = await queryNTPv5("127.0.0.1", { port });
 * assertEquals(ntpv5, undefined);
 * assertEquals(packet.version, 4);
 * await server.close();
 * ```
 */
export async function queryNTPv5(
  host: string,
  options: NTPv5QueryOptions = {},
): Promise<NTPv5QueryResult> {
  checkHost("host", host);
  const { negotiate = true, referenceIds = false, ...rest } = options;
  for (const [name, value] of Object.entries({ negotiate, referenceIds })) {
    if (typeof value !== "boolean") {
      throw new TypeError(`${name} is true or false, not ${String(value)}`);
    }
  }
  for (const name of ["version", "key", "nts"] as const) {
    if ((rest as QueryOptions)[name] !== undefined) {
      throw new TypeError(`queryNTPv5() has no option ${name}: use query()`);
    }
  }
  const responses = new Map<NTPPacket, NTPv5Packet>();
  const upgraded = new Set<string>();
  const ask = async (server: Endpoint, checked: CheckedOptions): Promise<Exchange> => {
    if (negotiate && !upgraded.has(`${server}`)) {
      const upgrade = new UpgradeForm();
      const plain = await exchange(server, checked, { ...checked, form: upgrade });
      if (!upgrade.isConfirmed) return plain;
      upgraded.add(`${server}`);
    }
    const form = new NTPv5Form(referenceIds);
    try {
      const result = await exchange(server, checked, { ...checked, form });
      responses.set(result.packet, form.response!);
      return result;
    } catch (error) {
      const isTimeout = error instanceof NTPError && error.code === "timeout";
      throw isTimeout && form.obstacle !== undefined
        ? new NTPError("unsupported", `${server} ${form.obstacle}`)
        : error;
    }
  };
  const result = await queryBy(host, checkOptions(rest), ask);
  const ntpv5 = responses.get(result.packet);
  const ids = ntpv5?.field(REFERENCE_IDS_RESPONSE);
  return {
    ...result,
    ...(ntpv5 && { ntpv5 }),
    ...(ids?.length === FILTER_LENGTH && { referenceIds: new ReferenceIdFilter(ids) }),
  };
}

const FILTER_LENGTH = 512;

/** A request of version 4 that asks whether the server has NTPv5. */
class UpgradeForm implements RequestForm {
  readonly idAt = TRANSMIT_TIMESTAMP_AT;
  /** Whether it said so. */
  isConfirmed = false;

  make(random: (into: Uint8Array) => void): Uint8Array {
    const request = makeRequest(4, random);
    writeTimestamp(request, REFERENCE_TIMESTAMP_AT, NTPV5_UPGRADE);
    return request;
  }

  decode(request: Uint8Array, data: Uint8Array): NTPPacket | undefined {
    const packet = decodeReply(request, data);
    if (packet?.referenceTimestamp === NTPV5_UPGRADE) this.isConfirmed = true;
    return packet;
  }
}

/** Requests and responses of NTPv5. */
class NTPv5Form implements RequestForm {
  readonly idAt = CLIENT_COOKIE_AT;
  /** The response. */
  response: NTPv5Packet | undefined;
  /** Why what answered was not taken. */
  obstacle: string | undefined;
  readonly #asksForReferenceIds: boolean;

  constructor(asksForReferenceIds: boolean) {
    this.#asksForReferenceIds = asksForReferenceIds;
  }

  make(random: (into: Uint8Array) => void): Uint8Array {
    const cookie = new Uint8Array(8);
    do random(cookie); while (cookie.every((byte) => byte === 0));
    const request = new NTPv5Packet({
      extensionFields: [
        { type: DRAFT_IDENTIFICATION, value: DRAFT_BYTES },
        { type: SERVER_INFORMATION, value: new Uint8Array(4) },
        { type: REFERENCE_TIMESTAMP, value: new Uint8Array(8) },
        ...(this.#asksForReferenceIds
          ? [{ type: REFERENCE_IDS_REQUEST, value: new Uint8Array(FILTER_LENGTH) }]
          : []),
      ],
    }).encode();
    request.set(cookie, CLIENT_COOKIE_AT);
    return request;
  }

  decode(request: Uint8Array, data: Uint8Array): NTPPacket | undefined {
    if (data.length < HEADER_LENGTH || versionOf(data[0]!) !== NTPV5) return undefined;
    if (modeOf(data[0]!) !== MODE_SERVER || !givesBackCookie(request, data)) return undefined;
    let response: NTPv5Packet;
    try {
      response = NTPv5Packet.decode(data);
    } catch {
      return undefined; // a stray like any other
    }
    const { draft, timescale } = response;
    if (draft !== NTPV5_DRAFT) {
      this.obstacle = `speaks NTPv5 as ${draft ?? "no draft says"}, not as ${NTPV5_DRAFT}`;
      return undefined;
    }
    if (timescale !== UTC && timescale !== SMEARED_UTC) {
      this.obstacle = `answered in timescale ${timescale}, not in UTC`;
      return undefined;
    }
    this.response = response;
    return asVersion4(response);
  }
}

function givesBackCookie(request: Uint8Array, data: Uint8Array): boolean {
  for (let i = 0; i < 8; i++) {
    if (request[CLIENT_COOKIE_AT + i] !== data[CLIENT_COOKIE_AT + i]) return false;
  }
  return true;
}

/** A response of NTPv5 as a server would say it in version 4: what is validated and measured. */
function asVersion4(response: NTPv5Packet): NTPPacket {
  const { isSynchronized, leapIndicator } = response;
  return new NTPPacket({
    mode: MODE_SERVER,
    // 3 says here that leap seconds are not known; that the time is not, a flag says.
    leapIndicator: !isSynchronized ? 3 : leapIndicator === 3 ? 0 : leapIndicator,
    stratum: response.stratum,
    poll: response.poll,
    precision: response.precision,
    rootDelay: response.rootDelay,
    rootDispersion: response.rootDispersion,
    originTimestamp: response.clientCookie,
    receiveTimestamp: response.receiveTimestamp,
    transmitTimestamp: response.transmitTimestamp,
  });
}
