/** What gpsd says of a fix: class TPV. */
export interface GpsdFix {
  /** Which message. */
  readonly class: "TPV";
  /** Which receiver. */
  readonly device: string;
  /** Quality: 0 or 1, no fix; 2, two dimensions; 3, three. */
  readonly mode: number;
  /** UTC, in Unix nanoseconds; undefined without a time. */
  readonly unixNanoseconds: bigint | undefined;
  /** Largest error of the time, in seconds, as far as gpsd knows it. */
  readonly timeError: number | undefined;
  /** Leap seconds between GPS and UTC, once the receiver knows them. */
  readonly leapSeconds: number | undefined;
}

/** What gpsd says of a pulse per second: class PPS, or TOFF, when a message began to arrive. */
export interface GpsdPulse {
  /** Which message. */
  readonly class: "PPS" | "TOFF";
  /** Which receiver. */
  readonly device: string;
  /** What time it was, in Unix nanoseconds. */
  readonly real: bigint;
  /** What the system's clock showed then, in Unix nanoseconds. */
  readonly clock: bigint;
  /** Precision of the pulse, log2 of seconds; undefined if gpsd does not say. */
  readonly precision: number | undefined;
}

/** What gpsd says of itself and of its devices. */
export interface GpsdOther {
  /** Which message. */
  readonly class: "VERSION" | "DEVICES" | "DEVICE" | "WATCH" | "ERROR" | "other";
  /** For people: release, error text, device. */
  readonly text: string;
  /** Whether a device went away: class DEVICE with activated 0. */
  readonly gone: boolean;
}

/** One line of gpsd's JSON protocol. */
export type GpsdMessage = GpsdFix | GpsdPulse | GpsdOther;

/** Longest line that is read: gpsd's own limit is 10,240 bytes. */
export const LONGEST_LINE = 16_384;

/** Greatest Unix time, in seconds: that of a `Date`. */
const GREATEST_TIME = 8.64e12;

/**
 * Reads a line of gpsd's JSON protocol, version 3.
 *
 * @param line without its end
 * @returns undefined if it is none
 *
 * @example A fix
 * ```ts
 * import { parseGpsdMessage } from "@ntps/ntps/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const line = '{"class":"TPV","device":"/dev/ttyS0","mode":3,"time":"2026-01-01T00:00:00.000Z"}';
 * const message = parseGpsdMessage(line)!;
 * assertEquals(message.class === "TPV" && message.unixNanoseconds, 1767225600000000000n);
 * ```
 */
export function parseGpsdMessage(line: string): GpsdMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  const device = textOf(fields.device) ?? "";
  if (fields.class === "TPV") {
    return {
      class: "TPV",
      device,
      mode: numberOf(fields.mode) ?? 0,
      unixNanoseconds: nanosecondsOf(fields.time),
      timeError: errorOf(fields.ept),
      leapSeconds: numberOf(fields.leapseconds),
    };
  }
  if (fields.class === "PPS" || fields.class === "TOFF") {
    const real = secondsOf(fields.real_sec, fields.real_nsec);
    const clock = secondsOf(fields.clock_sec, fields.clock_nsec);
    if (real === undefined || clock === undefined) return undefined;
    const precision = numberOf(fields.precision);
    return { class: fields.class, device, real, clock, precision };
  }
  const text = textOf(fields.release) ?? textOf(fields.message) ?? textOf(fields.path) ?? "";
  const known = ["VERSION", "DEVICES", "DEVICE", "WATCH", "ERROR"] as const;
  const name = known.find((name) => name === fields.class);
  if (name === undefined && typeof fields.class !== "string") return undefined;
  return { class: name ?? "other", text, gone: name === "DEVICE" && fields.activated === 0 };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function errorOf(value: unknown): number | undefined {
  const error = numberOf(value);
  return error !== undefined && error >= 0 ? error : undefined;
}

/** ISO 8601 in UTC, with as many digits as there are; older releases told Unix seconds. */
function nanosecondsOf(value: unknown): bigint | undefined {
  if (typeof value === "number" && Math.abs(value) <= GREATEST_TIME) {
    return BigInt(Math.round(value * 1000)) * 1_000_000n;
  }
  const match = typeof value === "string"
    ? /^(\d{4}-\d\d-\d\dT\d\d:\d\d:)(\d\d)(?:\.(\d{1,9})\d*)?Z$/.exec(value)
    : null;
  if (match === null) return undefined;
  // Second 60 is no date to JavaScript; it is the one after 59.
  const minute = Date.parse(`${match[1]}00Z`), second = Number(match[2]);
  if (Number.isNaN(minute) || second > 60) return undefined;
  const fraction = BigInt((match[3] ?? "").padEnd(9, "0"));
  return BigInt(minute + second * 1000) * 1_000_000n + fraction;
}

function secondsOf(seconds: unknown, nanoseconds: unknown): bigint | undefined {
  if (!Number.isSafeInteger(seconds) || !Number.isSafeInteger(nanoseconds)) return undefined;
  return BigInt(seconds as number) * 1_000_000_000n + BigInt(nanoseconds as number);
}
