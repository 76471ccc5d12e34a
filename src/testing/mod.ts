/**
 * For tests of code that tells time or waits: a clock and timers that move only when told to
 * ({@linkcode VirtualTime}), and a world of machines whose clocks are wrong, with networks and
 * servers that are no better ({@linkcode Simulation}).
 *
 * @example A timeout of five seconds, tested in none
 * ```ts
 * import { VirtualTime } from "@ntps/ntps/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const time = new VirtualTime();
 * const timeout = new Promise<string>((resolve) => time.after(5000, () => resolve("late")));
 * assertEquals(await time.runUntil(timeout), "late");
 * assertEquals(time.elapsedMs, 5000);
 * ```
 *
 * @module
 */

export { ClockErrors, type ClockErrorSpan, type ClockErrorStatistics } from "./clock_errors.ts";
export type { DelayOptions } from "./delay.ts";
export {
  FALSETICKER_PATTERNS,
  type FalsetickerPattern,
  falsetickers,
  type FalsetickersOptions,
} from "./falsetickers.ts";
export { type Fault, GPS_ROLLOVER } from "./fault.ts";
export { type BurstOptions, Link, type LinkOptions, type LinkPair, type Span } from "./link.ts";
export { Oscillator, type OscillatorOptions } from "./oscillator.ts";
export { RandomStream } from "./random_stream.ts";
export type { Lateness } from "./punctual.ts";
export { Relay, type RelayCounts, type RelayOptions, type RelayStatistics } from "./relay.ts";
export { ScriptedServer, type ScriptedServerOptions } from "./scripted_server.ts";
export { SimulatedClock, type SimulatedClockOptions } from "./simulated_clock.ts";
export type { SimulatedNode, SimulatedNodeOptions, SimulatedWorld } from "./simulated_node.ts";
export { Simulation, type SimulationOptions, type WatchOptions } from "./simulation.ts";
export { VirtualTime, type VirtualTimeOptions } from "./virtual_time.ts";

// What these refer to
export type { KeyType, SymmetricKey } from "../auth/symmetric_key.ts";
export type { ResolveHost } from "../client/options.ts";
export type { Random } from "../client/request.ts";
export type { Clock, ClockState } from "../clock/clock.ts";
export type { Timers } from "../clock/timers.ts";
export type { NtsGuard } from "../nts/nts_guard.ts";
export type { IpFamily } from "../packet/ip_address.ts";
export type { LeapIndicator } from "../packet/leap_indicator.ts";
export type { Mode } from "../packet/mode.ts";
export type { AccessAction, AccessRule } from "../server/access.ts";
export type { Decision, DecisionHook, RequestView } from "../server/decision.ts";
export type { DropReason } from "../server/drop_reason.ts";
export type { NTPServer } from "../server/ntp_server.ts";
export type {
  ListenOptions,
  NTPServerOptions,
  Route,
  ServerAddress,
  WorkersOptions,
} from "../server/ntp_server_options.ts";
export type { RateLimitOptions } from "../server/rate_limit_options.ts";
export type { KeySource } from "../server/request_mac.ts";
export type {
  PacketCount,
  RateLimiterOccupancy,
  ReplyDelays,
  ServerStatistics,
  WorkerStatistics,
} from "../server/statistics.ts";
export type { PrefixCount } from "../server/top_prefixes.ts";
export type { SystemVariables } from "../server/system_variables.ts";
export type { TransportName } from "../transport/bind_udp.ts";
export type { Endpoint } from "../transport/endpoint.ts";
export type { ResolveOptions } from "../transport/resolve.ts";
export type {
  BindUdp,
  DatagramHandler,
  MulticastOptions,
  SendOutcome,
  TransmitStamps,
  UdpBindOptions,
  UdpCounters,
  UdpTransport,
} from "../transport/udp_transport.ts";
