/**
 * Reference clocks: sources of time that are no servers, for `NTPSync` and for servers on it.
 *
 * @module
 */

export {
  type GpsdFix,
  type GpsdMessage,
  type GpsdOther,
  type GpsdPulse,
  parseGpsdMessage,
} from "./gpsd_message.ts";
export { type NmeaProblem, type NmeaTime, parseNmea } from "./nmea.ts";
export {
  ReferenceClock,
  type ReferenceClockOptions,
  type ReferenceClockStatus,
} from "./reference_clock.ts";

// What these refer to
export type { LeapIndicator } from "../packet/leap_indicator.ts";
export type { SourcePreference } from "../sync/selection.ts";
export type { SyncInput, SyncSink } from "../sync/sync_input.ts";
