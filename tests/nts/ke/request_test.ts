import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { MessageReader } from "../../../src/nts/ke/message_reader.ts";
import { type KeRecord, numbersRecord, RECORD, textRecord } from "../../../src/nts/ke/record.ts";
import { encodeRequest, readRequest } from "../../../src/nts/ke/request.ts";

const PROTOCOL = numbersRecord(true, RECORD.nextProtocol, [0]);
const AEAD = numbersRecord(true, RECORD.aead, [15]);
const UNRECOGNIZED = 0, BAD = 1;

function record(critical: boolean, type: number, ...bytes: number[]): KeRecord {
  return { critical, type, body: Uint8Array.from(bytes) };
}

test("NTS-KE request: what is written is read", () => {
  const reader = new MessageReader(4096);
  reader.push(encodeRequest({ aeads: [30, 15], server: "ntp.example", port: 12300 }));
  assertEquals(reader.state, "complete");
  assertEquals(readRequest(reader.records), {
    aeads: [30, 15],
    compliantExporter: true,
    server: "ntp.example",
    port: 12300,
  });
});

test("NTS-KE request: on the wire it is what RFC 8915 §4 says", () => {
  const bytes = encodeRequest({ aeads: [15] });
  assertEquals([...bytes], [0x80, 1, 0, 2, 0, 0, 0x80, 4, 0, 2, 0, 15, 0x80, 0, 0, 0]);
});

test("NTS-KE request: the record of chrony goes with AES-128-GCM-SIV alone", () => {
  const types = (aeads: number[]) => {
    const reader = new MessageReader(4096);
    reader.push(encodeRequest({ aeads }));
    return reader.records.map(({ type, critical }) => `${type}${critical ? "!" : ""}`);
  };
  assertEquals(types([15, 17]), ["1!", "4!"]);
  assertEquals(types([15, 30]), ["1!", "4!", "1024"]);
});

test("NTS-KE request: unknown records are ignored, unless they are critical", () => {
  const plain = { aeads: [15], compliantExporter: false, server: undefined, port: undefined };
  const unknown = record(false, 0x4000, 1, 2, 3);
  assertEquals(readRequest([unknown, PROTOCOL, unknown, AEAD]), plain);
  assertEquals(readRequest([PROTOCOL, AEAD, record(true, 0x4000)]), UNRECOGNIZED);
  // Order does not matter, nor whether what need not be critical is.
  assertEquals(readRequest([numbersRecord(false, RECORD.aead, [15]), PROTOCOL]), plain);
});

test("NTS-KE request: one that is not for NTPv4 is no error", () => {
  assertEquals(readRequest([numbersRecord(true, RECORD.nextProtocol, [0x8001])]), undefined);
});

test("NTS-KE request: each way to be wrong", () => {
  const cases: Record<string, KeRecord[]> = {
    "nothing at all": [],
    "no protocol": [AEAD],
    "no algorithm": [PROTOCOL],
    "an empty list of protocols": [numbersRecord(true, RECORD.nextProtocol, []), AEAD],
    "an empty list of algorithms": [PROTOCOL, numbersRecord(true, RECORD.aead, [])],
    "half a protocol": [record(true, RECORD.nextProtocol, 0, 0, 0), AEAD],
    "half an algorithm": [PROTOCOL, record(true, RECORD.aead, 15)],
    "a protocol that is not critical": [numbersRecord(false, RECORD.nextProtocol, [0]), AEAD],
    "two protocol records": [PROTOCOL, PROTOCOL, AEAD],
    "two algorithm records": [PROTOCOL, AEAD, AEAD],
    "two servers": [PROTOCOL, AEAD, textRecord(true, 6, "a.example"), textRecord(true, 6, "b")],
    "an error": [PROTOCOL, AEAD, numbersRecord(true, RECORD.error, [1])],
    "a warning": [PROTOCOL, AEAD, numbersRecord(true, RECORD.warning, [1])],
    "a cookie": [PROTOCOL, AEAD, record(false, RECORD.cookie, 1, 2, 3, 4)],
    "a server that is no name": [PROTOCOL, AEAD, textRecord(false, RECORD.server, "a b")],
    "a server without a name": [PROTOCOL, AEAD, record(false, RECORD.server)],
    "a port of one octet": [PROTOCOL, AEAD, record(false, RECORD.port, 1)],
  };
  for (const [what, records] of Object.entries(cases)) {
    assertEquals(readRequest(records), BAD, what);
  }
});
