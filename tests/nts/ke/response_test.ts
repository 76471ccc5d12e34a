import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { MessageReader } from "../../../src/nts/ke/message_reader.ts";
import { type KeRecord, numbersRecord, RECORD, textRecord } from "../../../src/nts/ke/record.ts";
import {
  encodeError,
  encodeNothingInCommon,
  encodeResponse,
  type KeResponse,
  readResponse,
} from "../../../src/nts/ke/response.ts";

const PROTOCOL = numbersRecord(true, RECORD.nextProtocol, [0]);
const AEAD = numbersRecord(true, RECORD.aead, [15]);
const COOKIE: KeRecord = { critical: false, type: RECORD.cookie, body: new Uint8Array(100) };

function read(message: Uint8Array): KeResponse | string {
  const reader = new MessageReader(16_384);
  assertEquals(reader.push(message), "complete");
  return readResponse(reader.records, [15, 30]);
}

test("NTS-KE response: what is written is read", () => {
  const response: KeResponse = {
    aead: 30,
    compliantExporter: true,
    cookies: [1, 2, 3].map((fill) => new Uint8Array(64).fill(fill)),
    server: "2001:db8::1",
    port: 123,
  };
  assertEquals(read(encodeResponse(response)), response);
  const plain = { ...response, aead: 15, server: undefined, port: undefined };
  assertEquals(read(encodeResponse(plain)), { ...plain, compliantExporter: false });
});

test("NTS-KE response: refusals say why", () => {
  assertEquals(read(encodeNothingInCommon("protocol")), "does not serve NTPv4");
  assertEquals(
    read(encodeNothingInCommon("aead")),
    "has none of the algorithms asked for (AEAD 15, 30): allow others",
  );
  assertEquals(read(encodeError(0)), "does not know a record of the request (error 0)");
  assertEquals(read(encodeError(1)), "takes the request to be wrong (error 1)");
  assertEquals(read(encodeError(2)), "has a fault of its own (error 2): try later");
});

test("NTS-KE response: an unknown record is ignored, an unknown critical one is not", () => {
  const unknown = (critical: boolean) => ({ critical, type: 0x4000, body: new Uint8Array(3) });
  const taken = readResponse([PROTOCOL, AEAD, unknown(false), COOKIE], [15]);
  assertEquals((taken as KeResponse).cookies.length, 1);
  assertEquals(
    readResponse([PROTOCOL, AEAD, unknown(true), COOKIE], [15]),
    "sent a critical record of a type that is not known",
  );
});

test("NTS-KE response: of too many cookies eight are kept", () => {
  const cookies = Array.from({ length: 20 }, (_, fill) => ({
    ...COOKIE,
    body: new Uint8Array(100).fill(fill),
  }));
  const response = readResponse([PROTOCOL, AEAD, ...cookies], [15]) as KeResponse;
  assertEquals(response.cookies.map(([first]) => first), [0, 1, 2, 3, 4, 5, 6, 7]);
});

test("NTS-KE response: each way to be wrong", () => {
  const cookie = (length: number) => ({ ...COOKIE, body: new Uint8Array(length) });
  const cases: [said: string, records: KeRecord[]][] = [
    ["did not say for which protocol", [AEAD, COOKIE]],
    ["did not say which algorithm", [PROTOCOL, COOKIE]],
    ["agreed to protocol 7", [numbersRecord(true, RECORD.nextProtocol, [7]), AEAD, COOKIE]],
    ["sent a record twice", [PROTOCOL, PROTOCOL, AEAD, COOKIE]],
    ["sent a record twice", [PROTOCOL, AEAD, AEAD, COOKIE]],
    ["chose AEAD 17", [PROTOCOL, numbersRecord(true, RECORD.aead, [17]), COOKIE]],
    ["chose AEAD 15, 30", [PROTOCOL, numbersRecord(true, RECORD.aead, [15, 30]), COOKIE]],
    ["gave no cookie", [PROTOCOL, AEAD]],
    ["gave a cookie of 0 octets", [PROTOCOL, AEAD, COOKIE, cookie(0)]],
    ["gave a cookie of 1025 octets", [PROTOCOL, AEAD, cookie(1025)]],
    ["refuses with error 77", [numbersRecord(true, RECORD.error, [77])]],
    ["takes the request", [PROTOCOL, AEAD, COOKIE, numbersRecord(true, RECORD.error, [1, 2])]],
    ["sent an error that cannot be read", [{
      ...COOKIE,
      type: RECORD.error,
      body: cookie(3).body,
    }]],
    ["warns with code 9", [PROTOCOL, AEAD, COOKIE, numbersRecord(true, RECORD.warning, [9])]],
    ["named a port", [PROTOCOL, AEAD, COOKIE, numbersRecord(true, RECORD.port, [0])]],
    ["named a port", [PROTOCOL, AEAD, COOKIE, numbersRecord(true, RECORD.port, [1, 2])]],
    ["named an NTP server", [PROTOCOL, AEAD, COOKIE, textRecord(true, RECORD.server, "a/b")]],
  ];
  for (const [said, records] of cases) {
    const what = readResponse(records, [15, 30]);
    assert(typeof what === "string" && what.startsWith(said), `${said}: ${JSON.stringify(what)}`);
  }
});
