import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { parseGpsdMessage } from "../../src/reference/gpsd_message.ts";

test("gpsd: a fix", () => {
  const line =
    '{"class":"TPV","device":"/dev/ttyACM0","mode":3,"time":"2026-11-23T21:08:34.250Z",' +
    '"leapseconds":18,"ept":0.005,"lat":1.5,"lon":2.5}';
  assertEquals(parseGpsdMessage(line), {
    class: "TPV",
    device: "/dev/ttyACM0",
    mode: 3,
    unixNanoseconds: BigInt(Date.parse("2026-11-23T21:08:34.250Z")) * 1_000_000n,
    timeError: 0.005,
    leapSeconds: 18,
  });
});

test("gpsd: a fix without a time, and one in a leap second", () => {
  const none = parseGpsdMessage('{"class":"TPV","device":"x","mode":1}')!;
  assertEquals(none.class === "TPV" && [none.mode, none.unixNanoseconds], [1, undefined]);
  const leap = parseGpsdMessage('{"class":"TPV","mode":3,"time":"2016-12-31T23:59:60.000Z"}')!;
  assertEquals(
    leap.class === "TPV" && leap.unixNanoseconds,
    BigInt(Date.parse("2017-01-01T00:00:00Z")) * 1_000_000n,
  );
});

test("gpsd: nanoseconds are kept, and Unix seconds of old releases understood", () => {
  const fine = parseGpsdMessage(
    '{"class":"TPV","mode":2,"time":"2026-01-01T00:00:00.123456789Z"}',
  )!;
  assertEquals(fine.class === "TPV" && fine.unixNanoseconds, 1767225600123456789n);
  const old = parseGpsdMessage('{"class":"TPV","mode":2,"time":1767225600.5}')!;
  assertEquals(old.class === "TPV" && old.unixNanoseconds, 1767225600500000000n);
});

test("gpsd: a pulse", () => {
  const line = '{"class":"PPS","device":"/dev/pps0","real_sec":1767225600,"real_nsec":0,' +
    '"clock_sec":1767225599,"clock_nsec":999999000,"precision":-20}';
  assertEquals(parseGpsdMessage(line), {
    class: "PPS",
    device: "/dev/pps0",
    real: 1767225600000000000n,
    clock: 1767225599999999000n,
    precision: -20,
  });
  const toff = parseGpsdMessage(line.replace("PPS", "TOFF").replace(',"precision":-20', ""))!;
  assertEquals(toff.class === "TOFF" && toff.precision, undefined);
});

test("gpsd: what it says of itself", () => {
  const version = '{"class":"VERSION","release":"3.22","proto_major":3}';
  assertEquals(parseGpsdMessage(version), { class: "VERSION", text: "3.22", gone: false });
  const gone = '{"class":"DEVICE","path":"/dev/ttyS0","activated":0}';
  assertEquals(parseGpsdMessage(gone), { class: "DEVICE", text: "/dev/ttyS0", gone: true });
  const sky = '{"class":"SKY","satellites":[]}';
  assertEquals(parseGpsdMessage(sky), { class: "other", text: "", gone: false });
});

test("gpsd: what is no message", () => {
  const lines = ["", "{", "[]", "null", "3", "{}", '{"class":5}', '{"class":"PPS","real_sec":1.5}'];
  for (const line of lines) assertEquals(parseGpsdMessage(line), undefined, line);
  const pulse = { class: "PPS", real_sec: 5, real_nsec: 6, clock_sec: 7, clock_nsec: 8 };
  for (const name of ["real_sec", "real_nsec", "clock_sec", "clock_nsec"]) {
    for (const value of [undefined, null, "5", 1.5, 2 ** 53]) {
      const line = JSON.stringify({ ...pulse, [name]: value });
      assertEquals(parseGpsdMessage(line), undefined, line);
    }
  }
});

test("gpsd: fields of the wrong type are as if they were not there", () => {
  const odd = parseGpsdMessage('{"class":"TPV","mode":"3","time":"yesterday","ept":"x"}')!;
  assertEquals(odd, {
    class: "TPV",
    device: "",
    mode: 0,
    unixNanoseconds: undefined,
    timeError: undefined,
    leapSeconds: undefined,
  });
});

test("gpsd: numbers that are no times, and errors that are none", () => {
  const nowhere = ["1e300", "-1e300", '"0000-00-00T00:00:00Z"', '"2026-13-01T00:00:00Z"'];
  for (const time of [...nowhere, "1e20", '"2026-01-01T00:00:61Z"', '"2026-01-01T00:00:00"']) {
    const message = parseGpsdMessage(`{"class":"TPV","mode":3,"time":${time}}`)!;
    assertEquals(message.class === "TPV" && message.unixNanoseconds, undefined, time);
  }
  for (const ept of ["-0.005", "1e999"]) {
    const message = parseGpsdMessage(`{"class":"TPV","mode":3,"ept":${ept}}`)!;
    assertEquals(message.class === "TPV" && message.timeError, undefined, ept);
  }
});

test("gpsd: names that every object has are no messages", () => {
  for (const name of ["constructor", "toString", "__proto__"]) {
    assertEquals(parseGpsdMessage(`{"class":"${name}"}`), {
      class: "other",
      text: "",
      gone: false,
    });
  }
  assertEquals(parseGpsdMessage('{"__proto__":{"class":"TPV"}}'), undefined);
});
