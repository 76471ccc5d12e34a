/**
 * What is not settled yet, and may change with any version of this library: NTPv5.
 *
 * It follows the Internet-Draft `draft-ietf-ntp-ntpv5-08`, and is off unless it is given to a server or
 * asked for. Implemented: the header with its times in 4.28 format, the negotiation within version 4
 * ("NTP5DRFT"), the draft identification, padding, reference IDs (a Bloom filter), server information
 * and reference timestamp; basic mode in UTC. Not implemented: interleaved mode, other timescales,
 * correction, monotonic and secondary timestamps, MAC, and NTS for version 5. Which bit of the server
 * information stands for which version is read differently by implementations; here bit 0 is version 1.
 *
 * @example The time by NTPv5, where the server has it
 * ```ts ignore
 * import { queryNTPv5 } from "@ntps/ntps/experimental";
 *
 * const { offset, ntpv5 } = await queryNTPv5("ntp.example.org");
 * console.log(ntpv5 === undefined ? "version 4" : `version 5, era ${ntpv5.era}`, offset);
 * ```
 *
 * @module
 */

export { NTPV5_DRAFT } from "./ntpv5_draft.ts";
export { type NTPv5ExtensionField, NTPv5Packet, type NTPv5PacketFields } from "./ntpv5_packet.ts";
export { NTPv5Responder, type NTPv5ResponderOptions } from "./ntpv5_responder.ts";
export { type NTPv5QueryOptions, type NTPv5QueryResult, queryNTPv5 } from "./query_ntpv5.ts";
export { ntpv5ReferenceIdOf, ReferenceIdFilter } from "./reference_id_filter.ts";
export { time32FromSeconds, time32ToSeconds } from "./time32.ts";

// What these refer to
export type { ResolveHost } from "../client/options.ts";
export type { Random } from "../client/request.ts";
export type { Authentication } from "../client/authentication.ts";
export type { Exchange, Measurement } from "../client/measurement.ts";
export type { QueryOptions } from "../client/options.ts";
export type { Attempt, QueryResult, Sample } from "../client/query.ts";
export type { Clock, ClockState } from "../clock/clock.ts";
export type { Timers } from "../clock/timers.ts";
export type { IpFamily } from "../packet/ip_address.ts";
export type { LeapIndicator } from "../packet/leap_indicator.ts";
export type { Ntpv5Guard } from "../server/ntpv5_guard.ts";
export type { SystemVariables } from "../server/system_variables.ts";
export type { TransportName } from "../transport/bind_udp.ts";
export type { BindUdp } from "../transport/udp_transport.ts";
