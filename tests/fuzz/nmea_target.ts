import { LineSplitter } from "../../src/reference/line_splitter.ts";
import { checksumOf, parseNmea } from "../../src/reference/nmea.ts";
import { type NmeaEvent, NmeaReader } from "../../src/reference/nmea_reader.ts";
import { sentence } from "../reference/sentences.ts";
import { mixOf, type Target } from "./target.ts";

const LONGEST = 200, DAY_MS = 86_400_000;
/** No date before is believed; GPS began in 1980, two digits of a year end in 2079, ZDA has four. */
const NOT_BEFORE = Date.UTC(2026, 10, 1), END = Date.UTC(10_000, 0);
const DOLLAR = 0x24, STAR = 0x2a, LINE_FEED = 0x0a;

const RMC = "GNRMC,123519.00,A,4807.038,N,01131.000,E,022.4,084.4,230327,003.1,W,A";
const GGA = "GPGGA,235959.50,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,";
const ZDA = "GPZDA,201530.00,04,07,2036,00,00";

const CORPUS: readonly Uint8Array[] = [
  ...[[RMC], [GGA], [ZDA], [RMC, GGA, ZDA], [ZDA, GGA], [GGA, RMC]],
  ["GPRMC,235959,A,,,,,,,311226,,", "GPGGA,000000,,,,,1,08,,,M,,M,,", "GPZDA,000001,01,01,2027,,"],
  ["GPRMC,235960,A,,,,,,,311226,,", "GPRMC,000000,A,,,,,,,010127,,"],
  ["GPRMC,123519,V,,,,,,,230327,,,N", "GPGGA,123519,,,,,0,00,,,M,,M,,", "GPRMC,,V,,,,,,,,,,N"],
  ["GLRMC,000000.999,A,,,,,,,060180,,", "GARMC,000001,A,,,,,,,311279,,"],
  ["GPGSV,3,1,11,03,03,111,00", "PUBX,04,073731.00,091202", "BDZDA,101010,29,02,2028,00,00"],
  ["GPZDA,235959.99,31,12,9999,00,00"],
].map((bodies) => new TextEncoder().encode(bodies.map(sentence).join("")));

/** Lines of a receiver: the splitter, the parser, and what makes times of them. */
export class NmeaTarget implements Target {
  readonly name = "nmea";
  readonly corpus: readonly Uint8Array[] = CORPUS;
  passed = 0;

  prefers(): boolean {
    return true;
  }

  /** Makes the checksums right, most of the time. */
  shape(bytes: Uint8Array, length: number, chance: number): void {
    if (chance % 8 === 0) return;
    let start = -1, sum = 0;
    for (let i = 0; i < length; i++) {
      const byte = bytes[i]!;
      if (byte === DOLLAR) [start, sum] = [i, 0];
      else if (byte === LINE_FEED) start = -1;
      else if (byte === STAR && start >= 0 && i + 2 < length) {
        const text = sum.toString(16).padStart(2, "0");
        for (let at = 0; at < 2; at++) bytes[i + 1 + at] = text.charCodeAt(at);
        start = -1;
      } else sum ^= byte;
    }
  }

  check(buffer: Uint8Array, length: number): string | undefined {
    const bytes = buffer.subarray(0, Math.min(length, 4096)), mix = mixOf(buffer, length);
    const lines: string[] = [];
    let fault: string | undefined, dropped = 0;
    const whole = new LineSplitter(LONGEST, (line) => lines.push(line), () => dropped++);
    whole.push(bytes, 0n);
    // Whatever the pieces are, the lines are the same.
    let count = 0;
    const pieces = new LineSplitter(LONGEST, (line) => {
      if (line !== lines[count++]) fault ??= "other lines of other pieces";
    }, () => dropped--);
    const size = 1 + mix % 97;
    for (let at = 0; at < bytes.length; at += size) {
      pieces.push(bytes.subarray(at, at + size), BigInt(at));
    }
    if (count !== lines.length || dropped !== 0) fault ??= "more or fewer lines of other pieces";

    const reader = new NmeaReader(NOT_BEFORE / DAY_MS);
    let stamp = 0n, told: bigint | undefined, second = NaN, hasPassed = false;
    for (const line of lines) {
      stamp += 1n << BigInt(28 + mix % 8);
      if (line === "" || line.length > LONGEST || /[\r\n]/.test(line)) {
        fault ??= "a line that is none";
      }
      const event = reader.push(line, stamp), time = parseNmea(line);
      if (typeof time === "object" && time.secondOfDay !== second) {
        second = time.secondOfDay;
        told = undefined; // it may have gone back
      }
      fault ??= this.#faultOf(event, line, stamp, told);
      if (event.event !== "time") continue;
      told = event.unixNanoseconds;
      hasPassed = true;
    }
    if (hasPassed) this.passed++;
    return fault;
  }

  #faultOf(
    event: NmeaEvent,
    line: string,
    stamp: bigint,
    told: bigint | undefined,
  ): string | undefined {
    if (event.event !== "time") return undefined;
    const time = parseNmea(line);
    if (typeof time === "string") return `a time of what is no sentence: ${time}`;
    const body = line.slice(line.lastIndexOf("$") + 1, line.indexOf("*", line.lastIndexOf("$")));
    const star = line.indexOf("*", line.lastIndexOf("$"));
    if (checksumOf(body) !== parseInt(line.slice(star + 1, star + 3), 16)) {
      return "a wrong checksum";
    }
    if (time.valid === false) return "a time without a fix";
    const milliseconds = Number(event.unixNanoseconds / 1_000_000n);
    if (milliseconds < NOT_BEFORE || milliseconds > END) return `a time in ${milliseconds}`;
    const ofDay = Math.round(time.secondOfDay * 1000) % DAY_MS;
    if (milliseconds % DAY_MS !== ofDay) return `another time of day: ${milliseconds}`;
    if (event.stamp > stamp || event.stamp <= 0n) return "a stamp of another time";
    return event.unixNanoseconds === told ? "one second told twice" : undefined;
  }
}
