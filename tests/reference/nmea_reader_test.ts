import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { type NmeaEvent, NmeaReader } from "../../src/reference/nmea_reader.ts";
import { dayText, sentence, timeText } from "./sentences.ts";

const SECOND = 1n << 32n, HOUR = 3600n * SECOND;

/** A receiver whose time is given as text; stamps go with the true time. */
function receiver() {
  const reader = new NmeaReader();
  const at = (iso: string) => {
    const date = new Date(iso), time = timeText(date);
    const stamp = BigInt(date.getTime()) * SECOND / 1000n;
    const push = (body: string, later = 0n) => reader.push(sentence(body).trimEnd(), stamp + later);
    return {
      stamp,
      rmc: (status = "A", talker = "GN", later = 0n) =>
        push(`${talker}RMC,${time},${status},,,,,,,${dayText(date)},,,A`, later),
      gga: (quality = 1, later = 0n) => push(`GPGGA,${time},,,,,${quality},08,,,M,,M,,`, later),
      zda: (later = 0n) => {
        const [day, month] = [dayText(date).slice(0, 2), dayText(date).slice(2, 4)];
        return push(`GPZDA,${time},${day},${month},${date.getUTCFullYear()},00,00`, later);
      },
      lost: () => [push("GPGGA,,,,,,0,00,,,M,,M,,"), push("GPRMC,,V,,,,,,,,,,N")],
      push,
    };
  };
  return { reader, at };
}

/** What a time was, as text. */
function timeOf(event: NmeaEvent): string {
  assert(event.event === "time", JSON.stringify(event, (_, value) => String(value)));
  return new Date(Number(event.unixNanoseconds / 1_000_000n)).toISOString();
}

test("NMEA reader: the first sentence of a second is its stamp, whichever has the date", () => {
  const { at } = receiver(), now = at("2026-12-24T18:00:07Z");
  assertEquals(now.gga().event, "rejected"); // no date yet
  const event = now.rmc("A", "GN", SECOND / 10n);
  assertEquals(timeOf(event), "2026-12-24T18:00:07.000Z");
  assertEquals(event.event === "time" && event.stamp, now.stamp);
  assertEquals(now.zda(SECOND / 5n).event, "nothing");
  assertEquals(now.gga(1, SECOND / 4n).event, "nothing");
});

test("NMEA reader: GGA takes the date of the sentences before, over midnight", () => {
  const { at } = receiver();
  at("2026-12-31T23:59:58Z").rmc();
  assertEquals(timeOf(at("2026-12-31T23:59:59Z").gga()), "2026-12-31T23:59:59.000Z");
  assertEquals(timeOf(at("2027-01-01T00:00:00Z").gga()), "2027-01-01T00:00:00.000Z");
  assertEquals(at("2027-01-01T00:00:00Z").rmc().event, "nothing");
  assertEquals(timeOf(at("2027-01-01T00:00:01Z").gga()), "2027-01-01T00:00:01.000Z");
});

test("NMEA reader: GGA alone tells no time, and that is said", () => {
  const { at } = receiver();
  const event = at("2026-12-24T18:00:07Z").gga();
  assertEquals(event, { event: "rejected", reason: "no date" });
});

test("NMEA reader: a date is not believed after hours without a time", () => {
  for (const hours of [25, 24, 13, 2]) {
    const { at } = receiver();
    assertEquals(at("2026-12-24T10:00:00Z").rmc().event, "time");
    const later = at(
      new Date(Date.parse("2026-12-24T10:00:01Z") + hours * 3_600_000).toISOString(),
    );
    later.lost(); // it goes on talking
    assertEquals(later.gga().event, "rejected", `${hours} h`);
    assertEquals(later.rmc().event, "time");
  }
});

test("NMEA reader: a fix that is lost, by each kind of sentence", () => {
  const { at } = receiver();
  at("2026-12-24T10:00:00Z").rmc();
  assertEquals(at("2026-12-24T10:00:01Z").rmc("V").event, "no fix");
  assertEquals(at("2026-12-24T10:00:01Z").zda().event, "no fix"); // does not vouch for itself
  assertEquals(at("2026-12-24T10:00:02Z").rmc().event, "time");
  assertEquals(at("2026-12-24T10:00:03Z").gga(0).event, "no fix");
  assertEquals(at("2026-12-24T10:00:04Z").gga(1).event, "rejected"); // no date any more
  assertEquals(at("2026-12-24T10:00:04Z").zda().event, "time");
});

test("NMEA reader: a receiver that goes on without a time has lost its fix", () => {
  const { at } = receiver();
  at("2026-12-24T10:00:00Z").rmc();
  const events = (time: string) => at(time).lost().map(({ event }) => event);
  assertEquals(events("2026-12-24T10:00:01Z"), ["rejected", "rejected"]);
  assertEquals(events("2026-12-24T10:00:02Z"), ["no fix", "no fix"]);
  assertEquals(at("2026-12-24T10:00:03Z").zda().event, "no fix"); // does not vouch for itself
  assertEquals(at("2026-12-24T10:00:03Z").rmc().event, "time");
  // One that has never had a time.
  assertEquals(receiver().at("2026-12-24T10:00:01Z").lost().map(({ event }) => event), [
    ...["no fix", "no fix"],
  ]);
});

test("NMEA reader: a sentence that never has a time does not take it from the others", () => {
  const { at } = receiver();
  for (const second of [10, 11, 12, 13]) {
    const now = at(`2026-12-24T10:00:${second}Z`);
    assertEquals(now.rmc().event, "time");
    assertEquals(now.push("GPZDA,,,,,00,00", SECOND / 10n).event, "rejected");
  }
});

test("NMEA reader: what a receiver says while it has no fix is forgotten", () => {
  const { at } = receiver();
  assertEquals(at("2026-12-24T23:10:00Z").rmc().event, "time");
  // It was reset: its clock begins at midnight, perhaps of any day.
  assertEquals(at("2026-12-25T00:00:05Z").gga(0).event, "no fix");
  assertEquals(at("2010-01-01T00:00:06Z").zda().event, "no fix");
  const now = at("2026-12-24T23:11:00Z");
  assertEquals(now.gga().event, "rejected");
  assertEquals(timeOf(now.rmc()), "2026-12-24T23:11:00.000Z");
});

test("NMEA reader: ZDA alone is believed", () => {
  const { at } = receiver();
  assertEquals(timeOf(at("2026-12-24T10:00:00Z").zda()), "2026-12-24T10:00:00.000Z");
  assertEquals(timeOf(at("2026-12-24T10:00:01Z").zda()), "2026-12-24T10:00:01.000Z");
});

test("NMEA reader: talkers of all systems", () => {
  for (const talker of ["GP", "GL", "GA", "GB", "BD", "GQ", "GI", "GN"]) {
    assertEquals(receiver().at("2026-12-24T10:00:00Z").rmc("A", talker).event, "time", talker);
  }
});

test("NMEA reader: an inserted leap second has no time of its own", () => {
  const { reader, at } = receiver();
  at("2026-12-31T23:59:59Z").rmc();
  const leap = sentence("GPRMC,235960,A,,,,,,,311226,,,A").trimEnd();
  assertEquals(reader.push(leap, at("2026-12-31T23:59:59Z").stamp + SECOND).event, "nothing");
  assertEquals(timeOf(at("2027-01-01T00:00:00Z").rmc()), "2027-01-01T00:00:00.000Z");
});

test("NMEA reader: fractions of seconds are times of their own", () => {
  const { reader } = receiver();
  for (const fraction of ["00", "20", "40"]) {
    const line = sentence(`GPRMC,100000.${fraction},A,,,,,,,241226,,,A`).trimEnd();
    const event = reader.push(line, 0n);
    assertEquals(timeOf(event), `2026-12-24T10:00:00.${fraction}0Z`);
  }
});

test("NMEA reader: weeks that have wrapped are mended, dates of the future are left alone", () => {
  const { at } = receiver();
  assertEquals(timeOf(at("2007-05-10T10:00:00Z").rmc()), "2026-12-24T10:00:00.000Z");
  assertEquals(timeOf(at("1987-09-24T10:00:01Z").rmc()), "2026-12-24T10:00:01.000Z");
  assertEquals(timeOf(at("2050-05-05T10:00:02Z").rmc()), "2050-05-05T10:00:02.000Z");
  const late = new NmeaReader(Date.parse("2040-01-01T00:00:00Z") / 86_400_000);
  const event = late.push(sentence("GPRMC,100000,A,,,,,,,241226,,,A").trimEnd(), 0n);
  assertEquals(timeOf(event), "2046-08-09T10:00:00.000Z");
});

test("NMEA reader: what is no sentence is told why", () => {
  const { reader } = receiver();
  const reasons = ["rubbish", "$GPRMC,1*00", sentence("GPGSV,1").trimEnd()].map((line) => {
    const event = reader.push(line, HOUR);
    return event.event === "rejected" && event.reason;
  });
  assertEquals(reasons, ["not NMEA", "checksum", "other sentence"]);
});
