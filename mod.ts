/**
 * NTP for Deno, Bun and Node: a time server and client (RFC 5905).
 *
 * | you want to | use |
 * |---|---|
 * | ask a server for the time | {@linkcode query}, {@linkcode NTPClient} |
 * | ask thousands of servers | {@linkcode queryMany} |
 * | have the right time in an application | {@linkcode NTPSync} |
 * | serve time | {@linkcode NTPServer} |
 * | read and write packets | {@linkcode NTPPacket}, and all of `@ntps/ntps/packet` |
 * | share a key with others | {@linkcode SymmetricKey}, {@linkcode KeyStore}, {@linkcode loadKeyFile} |
 * | be another server's peer | {@linkcode NTPPeer}, {@linkcode NTPPassivePeers} |
 * | tell the time to a subnet or group, and listen to it | {@linkcode NTPBroadcaster}, {@linkcode NTPBroadcastClient} |
 * | find servers by asking a group | {@linkcode NTPManycastClient} |
 * | bring a clock of your own | {@linkcode Clock}, {@linkcode FunctionClock} |
 * | bring sockets of your own | {@linkcode UdpTransport}, {@linkcode BindUdp} |
 *
 * @example What time is it?
 * ```ts ignore
 * import { query } from "@ntps/ntps";
 *
 * const { offset, rootDistance, date } = await query("pool.ntp.org");
 * console.log(`${date.toISOString()}: the clock is off by ${-offset} s, ± ${rootDistance} s`);
 * ```
 *
 * @module
 */

// Packets
export * from "./src/packet/mod.ts";

// Clocks
export type { Clock, ClockState } from "./src/clock/clock.ts";
export type { LeapSecondsOptions } from "./src/clock/clock_state.ts";
export { FunctionClock, type FunctionClockOptions } from "./src/clock/function_clock.ts";
export {
  LeapSeconds,
  type LeapSecondsContent,
  type LeapSecondsEntry,
} from "./src/clock/leap_seconds.ts";
export { LeapClock, type LeapClockOptions } from "./src/clock/leap_clock.ts";
export { checkLeapSmear, type LeapSmear, smearedPart } from "./src/clock/leap_smear.ts";
export { loadLeapSeconds, verifyLeapSecondsHash } from "./src/clock/load_leap_seconds.ts";
export { measurePrecision } from "./src/clock/precision.ts";
export { SteadyClock, type SteadyClockOptions } from "./src/clock/steady_clock.ts";
export { SystemClock, type SystemClockOptions } from "./src/clock/system_clock.ts";
export { systemTimers, type Timers } from "./src/clock/timers.ts";
export type { WallSource } from "./src/clock/wall_source.ts";

// Sockets
export {
  bindUdp,
  type TransportName,
  udpAdapter,
  type UdpAdapterName,
} from "./src/transport/bind_udp.ts";
export { Endpoint } from "./src/transport/endpoint.ts";
export { resolveHost, type ResolveOptions } from "./src/transport/resolve.ts";
export type { RuntimeName } from "./src/transport/runtime.ts";
export type {
  BindUdp,
  DatagramHandler,
  MulticastOptions,
  SendOutcome,
  TransmitStamps,
  UdpBindOptions,
  UdpCounters,
  UdpTransport,
} from "./src/transport/udp_transport.ts";

// Keys
export {
  type GeneratedKey,
  generateKey,
  type GenerateKeyOptions,
} from "./src/auth/generate_key.ts";
export { type KeyFileOptions, parseKeyFile } from "./src/auth/key_file.ts";
export type { KeyFileFormat } from "./src/auth/key_secret.ts";
export { KeyStore, type RestrictedKey } from "./src/auth/key_store.ts";
export { loadKeyFile, type LoadKeyFileOptions } from "./src/auth/load_key_file.ts";
export { KEY_TYPES, type KeyType, SymmetricKey } from "./src/auth/symmetric_key.ts";

// Server
export { type AccessAction, AccessList, type AccessRule } from "./src/server/access.ts";
export type { Decision, DecisionHook, RequestView } from "./src/server/decision.ts";
export type { DropReason } from "./src/server/drop_reason.ts";
export { NTPServer } from "./src/server/ntp_server.ts";
export type {
  ListenOptions,
  NTPServerOptions,
  Route,
  ServerAddress,
  WorkersOptions,
} from "./src/server/ntp_server_options.ts";
export type { RateLimitOptions } from "./src/server/rate_limit_options.ts";
export { makeRateLimitTable, type RateLimitTable } from "./src/server/rate_limit_table.ts";
export { RateLimiter, type RateVerdict } from "./src/server/rate_limiter.ts";
export type { KeySource } from "./src/server/request_mac.ts";
export { Admission } from "./src/server/admission.ts";
export { KissBudget, type KissTable, makeKissTable } from "./src/server/kiss_budget.ts";
export { Interleaved } from "./src/server/interleaved.ts";
export { Responder, type ResponderOptions } from "./src/server/responder.ts";
export type {
  PacketCount,
  RateLimiterOccupancy,
  ReplyDelays,
  ReplyKind,
  ServerStatistics,
  WorkerStatistics,
} from "./src/server/statistics.ts";
export type { PrefixCount } from "./src/server/top_prefixes.ts";
export type { SystemVariables } from "./src/server/system_variables.ts";

// Client
export { KissOfDeathError } from "./src/client/kiss_of_death_error.ts";
export type { Authentication } from "./src/client/authentication.ts";
export type { Exchange, Measurement } from "./src/client/measurement.ts";
export type { Random } from "./src/client/request.ts";
export { NTPClient, type NTPClientOptions } from "./src/client/ntp_client.ts";
export type { QueryOptions, ResolveHost } from "./src/client/options.ts";
export {
  type Attempt,
  query,
  queryRaw,
  type QueryResult,
  type RawReply,
  type Sample,
} from "./src/client/query.ts";
export {
  type ManyHost,
  type ManyOutcome,
  queryMany,
  type QueryManyOptions,
} from "./src/client/query_many.ts";

// Associations
export type { IgnoredReason } from "./src/association/association.ts";
export type { OnWireVerdict } from "./src/association/on_wire.ts";
export type { AssociationStatistics } from "./src/association/association_runner.ts";
export type { AssociationEvents, PeerSample, PeerState } from "./src/association/events.ts";
export {
  NTPPassivePeers,
  type NTPPassivePeersOptions,
  type PassivePeer,
} from "./src/association/ntp_passive_peers.ts";
export { NTPPeer, type NTPPeerOptions } from "./src/association/ntp_peer.ts";
export type { PollOptions } from "./src/association/poll_process.ts";
export type { AssociationWorld } from "./src/association/world.ts";
export {
  type BroadcastClientStatistics,
  type BroadcastServerStatistics,
  NTPBroadcastClient,
  type NTPBroadcastClientOptions,
} from "./src/association/ntp_broadcast_client.ts";
export {
  type BroadcasterStatistics,
  type BroadcastTarget,
  NTPBroadcaster,
  type NTPBroadcasterOptions,
} from "./src/association/ntp_broadcaster.ts";
export {
  type ManycastServer,
  NTPManycastClient,
  type NTPManycastClientOptions,
} from "./src/association/ntp_manycast_client.ts";

// A clock that follows others
export * from "./src/sync/mod.ts";
