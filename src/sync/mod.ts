/**
 * A clock that follows others and is right: {@linkcode NTPSync}, the clock it keeps, and the parts it
 * is made of, for sources and sockets of one's own.
 *
 * @example The right time in an application
 * ```ts ignore
 * import { NTPSync } from "@ntps/ntps/sync";
 *
 * const sync = await NTPSync.start({ pools: ["pool.ntp.org"] });
 * console.log(sync.clock.date(), sync.clock.maxError);
 * ```
 *
 * @module
 */

export { broadcastInput, type SyncBroadcastOptions } from "./broadcast_input.ts";
export type { DisciplineOptions, DisciplineOutcome } from "./discipline.ts";
export { DisciplinedClock, type TimeBounds } from "./disciplined_clock.ts";
export type { Estimate } from "./estimate.ts";
export { NTPSync } from "./ntp_sync.ts";
export type { NTPSyncOptions } from "./ntp_sync_options.ts";
export { peerInput, type SyncPeerOptions } from "./peer_input.ts";
export type { Regression } from "./regression.ts";
export type { SourcePreference, SourceState } from "./selection.ts";
export {
  poolInput,
  serverInput,
  type SyncPoolOptions,
  type SyncServerOptions,
} from "./server_options.ts";
export {
  type LeapMode,
  type SourceReport,
  SyncEngine,
  type SyncEngineOptions,
  SyncMember,
  type SyncOutcome,
} from "./sync_engine.ts";
export type { SyncSourceStatus } from "./sync_hub.ts";
export type {
  SyncChannel,
  SyncInput,
  SyncPolling,
  SyncSink,
  SyncSourceDescription,
  SyncSourceKind,
} from "./sync_input.ts";
export { type SampleOutcome, type SourceSample, SyncSource } from "./sync_source.ts";

// What these refer to
export type { ExchangeWorld } from "../client/exchange_socket.ts";
