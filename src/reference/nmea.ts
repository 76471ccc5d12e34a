/** What an NMEA 0183 sentence says of the time. */
export interface NmeaTime {
  /** Which kind of sentence: `"RMC"`, `"ZDA"` or `"GGA"`. */
  readonly type: "RMC" | "ZDA" | "GGA";
  /** Who sends it: `"GP"` (GPS), `"GN"` (several systems), `"GL"`, `"GA"`, … */
  readonly talker: string;
  /** Time of day in UTC, in seconds, 0 to below 86401: 86400 and more in an inserted leap second. */
  readonly secondOfDay: number;
  /** Days since 1970-01-01 in UTC; undefined of GGA, which has no date. */
  readonly day: number | undefined;
  /** Whether the receiver vouches for it; undefined of ZDA, which does not say. */
  readonly valid: boolean | undefined;
}

/** Why a line is no sentence that tells the time. */
export type NmeaProblem = "not NMEA" | "checksum" | "other sentence" | "no time" | "malformed";

/** Longest sentence that is looked at: the standard has 82, some receivers exceed it. */
const LONGEST = 160;
const DAY = 86400;

/**
 * Reads the time from a sentence of NMEA 0183: RMC, ZDA or GGA, of any talker. The checksum must be
 * there and right: a corrupted digit is a wrong time.
 *
 * @param line without its end
 *
 * @example The recommended minimum
 * ```ts
 * import { parseNmea } from "@ntps/ntps/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const time = parseNmea("$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A");
 * assertEquals(typeof time === "object" && time.secondOfDay, 12 * 3600 + 35 * 60 + 19);
 * ```
 */
export function parseNmea(line: string): NmeaTime | NmeaProblem {
  // The last one: what stands before it is the rest of a sentence that was cut short.
  const start = line.lastIndexOf("$");
  if (start < 0 || line.length - start > LONGEST) return "not NMEA";
  const star = line.indexOf("*", start);
  if (star < 0) return "not NMEA";
  const body = line.slice(start + 1, star), sum = line.slice(star + 1, star + 3);
  if (!/^[0-9A-Fa-f]{2}$/.test(sum) || checksumOf(body) !== parseInt(sum, 16)) return "checksum";
  const fields = body.split(",");
  const [address = ""] = fields;
  // A talker has two letters, P and a maker's code three; the sentence has three.
  const talker = address.slice(0, -3), type = address.slice(-3);
  if (talker.length !== 2) return "other sentence";
  if (type === "RMC") return rmc(talker, fields);
  if (type === "ZDA") return zda(talker, fields);
  if (type === "GGA") return gga(talker, fields);
  return "other sentence";
}

/** Exclusive or of the bytes between `$` and `*`. */
export function checksumOf(body: string): number {
  let sum = 0;
  for (let i = 0; i < body.length; i++) sum ^= body.charCodeAt(i) & 0xff;
  return sum;
}

function rmc(talker: string, fields: readonly string[]): NmeaTime | NmeaProblem {
  const [, time = "", status = "", , , , , , , date = ""] = fields;
  if (time === "" || date === "") return "no time";
  const secondOfDay = timeOf(time), match = /^(\d\d)(\d\d)(\d\d)$/.exec(date);
  if (secondOfDay === undefined || match === null) return "malformed";
  // Two digits of a year: 1980, when GPS began, to 2079.
  const year = Number(match[3]) + (Number(match[3]) < 80 ? 2000 : 1900);
  const day = dayOf(year, Number(match[2]), Number(match[1]));
  if (day === undefined) return "malformed";
  // NMEA 2.3 adds a mode as the last but one or last field: N, no fix; E, dead reckoning; S, simulated.
  const mode = fields[12] ?? "";
  const valid = status === "A" && !["N", "E", "S", "M"].includes(mode);
  return { type: "RMC", talker, secondOfDay, day, valid };
}

function zda(talker: string, fields: readonly string[]): NmeaTime | NmeaProblem {
  const [, time = "", dayOfMonth = "", month = "", year = ""] = fields;
  if (time === "" || year === "") return "no time";
  const secondOfDay = timeOf(time);
  if (
    secondOfDay === undefined || !/^\d{1,2},\d{1,2},\d{4}$/.test(`${dayOfMonth},${month},${year}`)
  ) {
    return "malformed";
  }
  const day = dayOf(Number(year), Number(month), Number(dayOfMonth));
  if (day === undefined) return "malformed";
  return { type: "ZDA", talker, secondOfDay, day, valid: undefined };
}

function gga(talker: string, fields: readonly string[]): NmeaTime | NmeaProblem {
  const [, time = "", , , , , quality = ""] = fields;
  if (time === "") return "no time";
  const secondOfDay = timeOf(time);
  if (secondOfDay === undefined || !/^\d$/.test(quality)) return "malformed";
  // 0, no fix; 6, dead reckoning; 7, by hand; 8, simulated.
  const valid = !["0", "6", "7", "8"].includes(quality);
  return { type: "GGA", talker, secondOfDay, day: undefined, valid };
}

/** hhmmss or hhmmss.sss; the second may be 60. */
function timeOf(text: string): number | undefined {
  const match = /^(\d\d)(\d\d)(\d\d(?:\.\d*)?)$/.exec(text);
  if (match === null) return undefined;
  const hour = Number(match[1]), minute = Number(match[2]), second = Number(match[3]);
  if (hour > 23 || minute > 59 || second >= 61) return undefined;
  if (second >= 60 && (hour !== 23 || minute !== 59)) return undefined;
  return hour * 3600 + minute * 60 + second;
}

/** Days since 1970-01-01; undefined of a day that there is not. */
function dayOf(year: number, month: number, day: number): number | undefined {
  const milliseconds = Date.UTC(year, month - 1, day), date = new Date(milliseconds);
  const exists = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return exists && year >= 1980 ? milliseconds / (DAY * 1000) : undefined;
}

/** Weeks after which the week number of GPS begins anew: ten bits. */
const ROLLOVER = 1024 * 7;

/**
 * Mends the date of a receiver whose week number has wrapped, as those built before it did may after
 * each 1024 weeks (1999-08-22, 2019-04-07, 2038-11-21): such a date lies a multiple of 1024 weeks in
 * the past. A date cannot be before this software was written.
 *
 * @param day days since 1970-01-01
 * @param notBefore the earliest that it can be
 */
export function mendRollover(day: number, notBefore: number): number {
  return day >= notBefore ? day : day + Math.ceil((notBefore - day) / ROLLOVER) * ROLLOVER;
}
