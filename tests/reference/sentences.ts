// What GNSS receivers say.

import { checksumOf } from "../../src/reference/nmea.ts";

const two = (value: number): string => String(value).padStart(2, "0");

/** A sentence with its checksum and its end. */
export function sentence(body: string): string {
  return `$${body}*${checksumOf(body).toString(16).toUpperCase().padStart(2, "0")}\r\n`;
}

/** hhmmss */
export function timeText(date: Date): string {
  return two(date.getUTCHours()) + two(date.getUTCMinutes()) + two(date.getUTCSeconds());
}

/** ddmmyy */
export function dayText(date: Date): string {
  return two(date.getUTCDate()) + two(date.getUTCMonth() + 1) + two(date.getUTCFullYear() % 100);
}

/** The recommended minimum at some time. */
export function sentenceAt(date: Date, status = "A"): string {
  const [time, day] = [timeText(date), dayText(date)];
  return sentence(`GNRMC,${time}.00,${status},4807.038,N,01131.000,E,0.0,0.0,${day},,,A`);
}
