/**
 * Reference clocks: sources of time that are no servers, for `NTPSync` and for servers on it; and how
 * to tell other programs on this machine the time.
 *
 * @module
 */

export { DeviceClock, type DeviceClockOptions, type DeviceWorld } from "./device_clock.ts";
export type { DeviceCalls } from "./device_calls.ts";
export type { Pointer } from "../transport/native/ffi/ffi.ts";
export { GpsdClock, type GpsdClockOptions } from "./gpsd_clock.ts";
export {
  type GpsdFix,
  type GpsdMessage,
  type GpsdOther,
  type GpsdPulse,
  parseGpsdMessage,
} from "./gpsd_message.ts";
export { type NmeaProblem, type NmeaTime, parseNmea } from "./nmea.ts";
export { NmeaClock, type NmeaClockOptions } from "./nmea_clock.ts";
export { PhcClock, type PhcClockOptions } from "./phc_clock.ts";
export { PpsClock, type PpsClockOptions } from "./pps_clock.ts";
export { type PublishedSample, Publisher, type PublisherOptions } from "./publisher.ts";
export {
  ReferenceClock,
  type ReferenceClockOptions,
  type ReferenceClockStatus,
} from "./reference_clock.ts";
export type { SerialSpeed } from "./serial_line.ts";
export { ShmClock, type ShmClockOptions } from "./shm_clock.ts";
export { ShmPublisher, type ShmPublisherOptions } from "./shm_publisher.ts";
export { SockClock, type SockClockOptions } from "./sock_clock.ts";
export { SockPublisher, type SockPublisherOptions } from "./sock_publisher.ts";
export { StreamClock } from "./stream_clock.ts";

// What these refer to
export type { ByteStream, OpenStream, StreamHandler } from "./byte_stream.ts";
export type { LeapIndicator } from "../packet/leap_indicator.ts";
export type { SourcePreference } from "../sync/selection.ts";
export type { SyncInput, SyncSink } from "../sync/sync_input.ts";
