import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import {
  mendRollover,
  type NmeaProblem,
  type NmeaTime,
  parseNmea,
} from "../../src/reference/nmea.ts";
import { sentence as sentenceLine } from "./sentences.ts";

/** A sentence with its checksum, without its end. */
const sentence = (body: string) => sentenceLine(body).trimEnd();

function timeOf(body: string): NmeaTime {
  const time = parseNmea(sentence(body));
  assert(typeof time === "object", `${time}`);
  return time;
}

const dayOf = (date: string): number => Date.parse(`${date}T00:00:00Z`) / 86_400_000;

test("NMEA: RMC as receivers send it", () => {
  assertEquals(timeOf("GPRMC,123519.00,A,4807.038,N,01131.000,E,022.4,084.4,230326,003.1,W,A"), {
    type: "RMC",
    talker: "GP",
    secondOfDay: 45319,
    day: dayOf("2026-03-23"),
    valid: true,
  });
});

test("NMEA: RMC that the receiver does not vouch for", () => {
  assertEquals(timeOf("GNRMC,123519,V,,,,,,,230326,,,N").valid, false);
  for (const mode of ["N", "E", "S", "M"]) {
    assertEquals(timeOf(`GNRMC,123519,A,,,,,,,230326,,,${mode}`).valid, false, mode);
  }
  for (const mode of ["A", "D", "R", "F", "P", ""]) {
    assertEquals(timeOf(`GNRMC,123519,A,,,,,,,230326,,,${mode}`).valid, true, mode);
  }
});

test("NMEA: two digits of a year are 1980 to 2079", () => {
  assertEquals(timeOf("GPRMC,000000,A,,,,,,,060180,,").day, dayOf("1980-01-06"));
  assertEquals(timeOf("GPRMC,000000,A,,,,,,,311279,,").day, dayOf("2079-12-31"));
});

test("NMEA: ZDA has the date in full", () => {
  assertEquals(timeOf("GPZDA,201530.25,04,07,2036,00,00"), {
    type: "ZDA",
    talker: "GP",
    secondOfDay: 72930.25,
    day: dayOf("2036-07-04"),
    valid: undefined,
  });
});

test("NMEA: GGA has a quality, and no date", () => {
  const time = timeOf("GLGGA,235959.5,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,");
  assertEquals([time.talker, time.secondOfDay, time.day, time.valid], [
    "GL",
    86399.5,
    undefined,
    true,
  ]);
  for (const quality of [0, 6, 7, 8]) {
    assertEquals(timeOf(`GPGGA,120000,,,,,${quality},00,,,M,,M,,`).valid, false);
  }
});

test("NMEA: a leap second is the sixtieth of a day's last minute, and of no other", () => {
  assertEquals(timeOf("GPRMC,235960,A,,,,,,,311216,,").secondOfDay, 86400);
  assertEquals(parseNmea(sentence("GPRMC,235860,A,,,,,,,311216,,")), "malformed");
  assertEquals(parseNmea(sentence("GPRMC,235961,A,,,,,,,311216,,")), "malformed");
});

test("NMEA: every changed digit is found by the checksum", () => {
  const good = sentence("GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230326,003.1,W");
  for (let i = 1; i < good.length; i++) {
    if (!/\d/.test(good[i]!)) continue;
    const changed = good.slice(0, i) + ((Number(good[i]) + 1) % 10) + good.slice(i + 1);
    assertEquals(parseNmea(changed), "checksum", changed);
  }
});

test("NMEA: what is no sentence, or not of these", () => {
  const problems: [string, NmeaProblem][] = [
    ["", "not NMEA"],
    ["GPRMC,123519,A", "not NMEA"],
    ["$GPRMC,123519,A,,,,,,,230326,,", "not NMEA"],
    ["$GPRMC,123519,A,,,,,,,230326,,*", "checksum"],
    ["$GPRMC,123519,A,,,,,,,230326,,*zz", "checksum"],
    [sentence("GPGSV,3,1,11"), "other sentence"],
    [sentence("PUBX,04,073731.00,091202"), "other sentence"],
    [sentence("RMC,123519,A,,,,,,,230326,,"), "other sentence"],
    [sentence("GPRMC,,V,,,,,,,,,,N"), "no time"],
    [sentence("GPZDA,,,,,,"), "no time"],
    [sentence("GPZDA,201530,04,07,,00,00"), "no time"],
    [sentence("GPZDA,,04,07,2036,00,00"), "no time"],
    [sentence("GPRMC,123519,V,,,,,,,,,"), "no time"],
    [sentence("GPZDA,201530,004,07,2036,00,00"), "malformed"],
    [sentence("GPRMC,1235,A,,,,,,,230326,,"), "malformed"],
    [sentence("GPRMC,123519,A,,,,,,,2303,,"), "malformed"],
    [sentence("GPRMC,126019,A,,,,,,,230326,,"), "malformed"],
    [sentence("GPRMC,243519,A,,,,,,,230326,,"), "malformed"],
    [sentence("GPRMC,123519,A,,,,,,,300226,,"), "malformed"],
    [sentence("GPRMC,123519,A,,,,,,,001326,,"), "malformed"],
    [sentence("GPZDA,201530,31,04,2026,00,00"), "malformed"],
    [sentence("GPGGA,123519,,,,,x,,"), "malformed"],
    [`$${"x".repeat(200)}*00`, "not NMEA"],
  ];
  for (const [line, problem] of problems) assertEquals(parseNmea(line), problem, line);
});

test("NMEA: rubbish before a sentence, as after opening a port, is passed over", () => {
  const good = sentence("GPZDA,201530,04,07,2026,00,00");
  for (const before of ["3,M,,*5", "\x00\xff3,M,", "$GPRMC,1235"]) {
    assertEquals(typeof parseNmea(before + good), "object", before);
  }
});

test("NMEA: a date 1024 weeks ago, or twice that, is mended", () => {
  const today = dayOf("2026-11-23"), written = dayOf("2026-11-01");
  assertEquals(mendRollover(today, written), today);
  assertEquals(mendRollover(today - 7168, written), today);
  assertEquals(mendRollover(today - 2 * 7168, written), today);
});
