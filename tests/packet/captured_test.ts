import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeHex, encodeHex } from "@std/encoding/hex";
import { NTPPacket } from "../../src/packet/packet.ts";
import { NTPPacketError } from "../../src/packet/packet_error.ts";
import { formatTimestamp } from "../../src/packet/timestamp.ts";

/** A packet of somebody else's capture, with the fields that an independent dissector found. */
interface Captured {
  source: string;
  hex: string;
  len: number;
  li: number;
  vn: number;
  mode: number;
  stratum: number;
  poll: number;
  precision: number;
  rootDelay: number;
  rootDispersion: number;
  refid: string;
  reference: string;
  origin: string;
  receive: string;
  transmit: string;
  tshark_times: { reftime: string; org: string; rec: string; xmt: string };
  tshark_ext?: [type: string, length: number][];
  tshark_keyid?: string;
  tshark_mac?: string;
}

const file = new URL("../data/captured.json", import.meta.url);
const captured = JSON.parse(readFileSync(file, "utf8")) as Captured[];

const others = captured.filter(({ mode }) => mode >= 6);
/** 73 bytes, made up by somebody to break parsers: 25 bytes behind the header. */
const odd = captured.filter(({ len, mode }) => mode < 6 && len % 4 !== 0);
const packets = captured.filter(({ len, mode }) => mode < 6 && len % 4 === 0);

const word = (value: number) => value.toString(16).padStart(8, "0");
const timestamp = (value: bigint) => value.toString(16).padStart(16, "0");

test("captured: what there is", () => {
  assertEquals([packets.length, odd.length, others.length], [42, 1, 29]);
  for (const { hex, len } of captured) assertEquals(hex.length, 2 * len);
});

packets.forEach((expected, i) => {
  const { source, len, vn, mode } = expected;
  test(`captured: ${i} of ${source}, ${len} bytes, version ${vn}, mode ${mode}`, () => {
    const packet = NTPPacket.decode(decodeHex(expected.hex));
    assertEquals(
      {
        li: packet.leapIndicator as number,
        vn: packet.version as number,
        mode: packet.mode as number,
        stratum: packet.stratum,
        poll: packet.poll,
        precision: packet.precision,
        rootDelay: packet.rootDelay * 65536,
        rootDispersion: packet.rootDispersion * 65536,
        refid: word(packet.referenceId),
        reference: timestamp(packet.referenceTimestamp),
        origin: timestamp(packet.originTimestamp),
        receive: timestamp(packet.receiveTimestamp),
        transmit: timestamp(packet.transmitTimestamp),
      },
      {
        li: expected.li,
        vn,
        mode,
        stratum: expected.stratum,
        poll: expected.poll,
        precision: expected.precision,
        rootDelay: expected.rootDelay,
        rootDispersion: expected.rootDispersion,
        refid: expected.refid,
        reference: expected.reference,
        origin: expected.origin,
        receive: expected.receive,
        transmit: expected.transmit,
      },
    );
    assertEquals(
      packet.extensionFields.map(({ type, value }) => [type, value.length + 4]),
      (expected.tshark_ext ?? []).map(([type, length]) => [Number(type), length]),
    );
    assertEquals(packet.mac && word(packet.mac.keyId), expected.tshark_keyid);
    assertEquals(packet.mac && encodeHex(packet.mac.digest), expected.tshark_mac);
    assertEquals(encodeHex(packet.encode()), expected.hex);
    assertEquals(encodeHex(new NTPPacket(packet).encode()), expected.hex);
  });
});

test("captured: timestamps are the dissector's, which cuts to the nanosecond where we round", () => {
  let compared = 0;
  for (const { hex, tshark_times: times } of packets) {
    const packet = NTPPacket.decode(decodeHex(hex));
    const pairs = [
      [packet.referenceTimestamp, times.reftime],
      [packet.originTimestamp, times.org],
      [packet.receiveTimestamp, times.rec],
      [packet.transmitTimestamp, times.xmt],
    ] as const;
    for (const [value, theirs] of pairs) {
      assertEquals(value === 0n, theirs === "NULL");
      if (value === 0n) continue;
      const ours = formatTimestamp(value);
      const error = nanoseconds(ours) - nanoseconds(theirs);
      assert(error === 0n || error === 1n, `${ours} is not ${theirs}`);
      compared++;
    }
  }
  assert(compared > 100, `${compared} compared`);
});

/** Unix nanoseconds of the text of a timestamp, read another way than by the code under test. */
function nanoseconds(text: string): bigint {
  const [, seconds, below] = /^(.*)\.(\d{9})Z$/.exec(text)!;
  return BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(below!);
}

test("captured: control and private messages are refused, by name", () => {
  for (const { hex, mode } of others) {
    const error = assertThrows(() => NTPPacket.decode(decodeHex(hex)), NTPPacketError);
    assertEquals(error.byteOffset, 0);
    assert(error.message.startsWith(`Mode ${mode} (${mode === 6 ? "control" : "private"}`));
  }
});

test("captured: 25 bytes behind the header are neither fields nor a MAC", () => {
  for (const { hex } of odd) {
    const error = assertThrows(() => NTPPacket.decode(decodeHex(hex)), NTPPacketError);
    assertEquals(error.byteOffset, 48);
  }
});
