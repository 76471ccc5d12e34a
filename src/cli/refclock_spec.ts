import type { OpenStream } from "../reference/byte_stream.ts";
import type { DeviceWorld } from "../reference/device_clock.ts";
import { GpsdClock, type GpsdClockOptions } from "../reference/gpsd_clock.ts";
import { NmeaClock, type NmeaClockOptions } from "../reference/nmea_clock.ts";
import { PhcClock, type PhcClockOptions } from "../reference/phc_clock.ts";
import { PpsClock, type PpsClockOptions } from "../reference/pps_clock.ts";
import type { ReferenceClock } from "../reference/reference_clock.ts";
import { ShmClock, type ShmClockOptions } from "../reference/shm_clock.ts";
import { SockClock, type SockClockOptions } from "../reference/sock_clock.ts";
import { readHost } from "./host.ts";
import { nearest } from "./nearest.ts";
import { asUsage, UsageError } from "./usage_error.ts";

/** What reference clocks are read from; absent parts are the machine's. */
export interface RefclockWorld {
  /** Opens the streams of gpsd and NMEA. */
  readonly openStream?: OpenStream;
  /** System calls and system's clock of the devices. */
  readonly device?: DeviceWorld;
}

/** A reference clock as the command line or a configuration names it. */
export interface Refclock {
  /** As it was given. */
  readonly text: string;
  /** How to call it in a line of a log: what it is and where, without its options. */
  readonly name: string;
  /** Makes the clock; it does nothing yet. */
  make(world?: RefclockWorld): ReferenceClock;
}

/** Options of all kinds of clocks; who reads a spec sees to it that those are there which must be. */
type ClockOptions =
  & GpsdClockOptions
  & NmeaClockOptions
  & PpsClockOptions
  & PhcClockOptions
  & ShmClockOptions
  & SockClockOptions;

type Values = Readonly<Partial<ClockOptions>>;

/** An option of a spec: the library's name for it, and how its value is read; none: a flag. */
interface SpecOption {
  readonly key: string;
  readonly read?: (given: string) => unknown;
}

/** A kind of clock. */
interface Kind {
  /** What stands behind the colon, for errors. */
  readonly where: string;
  /** Whether that may be left out. */
  readonly hasDefault: boolean;
  readonly options: Readonly<Record<string, SpecOption>>;
  /** What stands behind the colon, as options of the library. */
  readWhere(given: string): Values;
  make(options: ClockOptions, world: RefclockWorld): ReferenceClock;
}

const UNITS: Readonly<Record<string, number>> = {
  "": 0,
  s: 0,
  ms: -3,
  us: -6,
  µs: -6,
  μs: -6, // the Greek letter
  ns: -9,
};

/** Seconds, or a number with a unit: `-0.12`, `1e-6`, `120ms`, `-35ns`. */
function readSeconds(given: string): number {
  const [, number, power = "0", unit = ""] =
    /^([+-]?(?:\d+\.?\d*|\.\d+))(?:e([+-]?\d{1,3}))?(s|ms|us|µs|μs|ns)?$/.exec(given) ?? [];
  if (number === undefined) {
    throw new UsageError(`is seconds, or has a unit, such as 0.12, 120ms or -35ns, not "${given}"`);
  }
  return Number(`${number}e${Number(power) + UNITS[unit]!}`);
}

function readInteger(given: string): number {
  if (/^[+-]?\d{1,10}$/.test(given)) return Number(given);
  throw new UsageError(`is a whole number, not "${given}"`);
}

const asText = (given: string): string => given;

/** What all clocks have. */
const COMMON: Readonly<Record<string, SpecOption>> = {
  "offset": { key: "offset", read: readSeconds },
  "delay": { key: "delay", read: readSeconds },
  "max-error": { key: "maxError", read: readSeconds },
  "refid": { key: "refid", read: asText },
  "stratum": { key: "stratum", read: readInteger },
  "poll": { key: "poll", read: readInteger },
  "patience": { key: "patience", read: readSeconds },
  "prefer": { key: "prefer" },
  "require": { key: "require" },
  "trust": { key: "trust" },
  "noselect": { key: "noSelect" },
};

const readPath = (path: string): Values => ({ path });

/** All kinds, in the order of the help. */
const KINDS: Readonly<Record<string, Kind>> = {
  gpsd: {
    where: "HOST[:PORT]",
    hasDefault: true,
    options: { device: { key: "device", read: asText } },
    readWhere(given) {
      if (!given.includes("/")) return readEndpoint(given);
      throw new UsageError(`"${given}" is no host: write gpsd,device=${given}`);
    },
    make: (options, { openStream, device }) =>
      new GpsdClock(options, {
        ...(openStream && { openStream }),
        ...(device && { system: device.system }),
      }),
  },
  nmea: {
    where: "PATH, or HOST[:PORT]",
    hasDefault: false,
    options: { baud: { key: "baudRate", read: readInteger } },
    readWhere: (given) => given.includes("/") ? { path: given } : readEndpoint(given),
    make: (options, { openStream }) => new NmeaClock(options, openStream),
  },
  pps: {
    where: "PATH",
    hasDefault: true,
    options: { edge: { key: "edge", read: asText } },
    readWhere: readPath,
    make: (options, { device }) => new PpsClock(options, device),
  },
  phc: {
    where: "PATH",
    hasDefault: true,
    options: { "utc-offset": { key: "utcOffset", read: readInteger } },
    readWhere: readPath,
    make: (options, { device }) => new PhcClock(options, device),
  },
  shm: {
    where: "UNIT",
    hasDefault: true,
    options: {},
    readWhere: (given) => ({ unit: prefixed("UNIT ", () => readInteger(given)) }),
    make: (options, { device }) => new ShmClock(options, device),
  },
  sock: {
    where: "PATH",
    hasDefault: false,
    options: {},
    readWhere: readPath,
    make: (options, { device }) => new SockClock(options, device),
  },
};

function readEndpoint(given: string): Values {
  const { hostname, port } = readHost(given);
  return { hostname, ...(port !== undefined && { port }) };
}

/** For clocks that are made only to hear whether their options are right, and never started. */
const NOWHERE: RefclockWorld = {
  device: { calls: undefined as never, system: { now: () => 0n } },
};

function meant(word: string, names: readonly string[]): string {
  const near = nearest(word.toLowerCase(), names);
  return near === undefined ? `there are ${names.join(", ")}` : `did you mean ${near}?`;
}

/** Reads an option; what is wrong with it is told without saying where it stands. */
function readOption(given: string, kind: string): readonly [key: string, value: unknown] {
  const [, name, value] = /^([^=]*)(?:=(.*))?$/s.exec(given)!;
  const known = { ...COMMON, ...KINDS[kind]!.options };
  const option = Object.hasOwn(known, name!) ? known[name!] : undefined;
  if (option === undefined) {
    throw new UsageError(`${kind} has no option "${name}"; ${meant(name!, Object.keys(known))}`);
  }
  const { key, read } = option;
  if (read === undefined) {
    if (value !== undefined) throw new UsageError(`${name} takes no value`);
    return [key, true];
  }
  if (value === undefined || value === "") {
    throw new UsageError(`${name} needs a value: ${name}=…`);
  }
  return [key, prefixed(`${name} `, () => read(value))];
}

/** Puts something in front of the message of a wrong argument. */
function prefixed<T>(prefix: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${prefix}${error.message}`);
  }
}

/** The library's names of options, in the message of an error, as they are written here. */
function inWords(message: string, kind: string): string {
  const names = Object.entries({ ...COMMON, ...KINDS[kind]!.options });
  return message.replace(
    /^\w+/,
    (word) => names.find(([, { key }]) => key === word)?.[0] ?? word,
  );
}

/**
 * Reads a reference clock: `KIND[:WHERE][,OPTION[=VALUE]…]`, such as `gpsd`,
 * `nmea:/dev/ttyS0,baud=9600,offset=120ms` or `pps:/dev/pps0,prefer`.
 *
 * @param text what was given
 * @param name what to call it in an error: the option of the command line, or a place in a file
 * @throws {UsageError} if it is none, with what is wrong with it
 */
export function readRefclock(text: string, name: string): Refclock {
  const [place, ...given] = text.split(",") as [string, ...string[]];
  const [, kind, where] = /^([^:]*)(?::(.*))?$/s.exec(place)!;
  return prefixed(`${name}: "${text}": `, () => {
    if (!Object.hasOwn(KINDS, kind!)) {
      throw new UsageError(
        `there is no kind of clock "${kind}"; ${meant(kind!, Object.keys(KINDS))}`,
      );
    }
    const parts = KINDS[kind!]!;
    if (where === "" || where === undefined && !parts.hasDefault) {
      throw new UsageError(`what it reads is missing: ${kind}:${parts.where}`);
    }
    const options: Partial<ClockOptions> = where === undefined ? {} : { ...parts.readWhere(where) };
    for (const one of given) {
      const [key, value] = readOption(one, kind!);
      if (Object.hasOwn(options, key)) throw new UsageError(`${one.split("=")[0]} is given twice`);
      Object.assign(options, { [key]: value });
    }
    const make = (world: RefclockWorld = {}): ReferenceClock =>
      parts.make(options as ClockOptions, world);
    try {
      asUsage(() => make(NOWHERE));
    } catch (error) {
      throw error instanceof UsageError ? new UsageError(inWords(error.message, kind!)) : error;
    }
    return { text, name: place, make };
  });
}
