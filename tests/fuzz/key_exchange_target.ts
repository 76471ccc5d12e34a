import { MessageReader } from "../../src/nts/ke/message_reader.ts";
import {
  encodeMessage,
  type KeRecord,
  numbersRecord,
  RECORD,
  textRecord,
} from "../../src/nts/ke/record.ts";
import { encodeRequest, MAX_REQUEST_LENGTH, readRequest } from "../../src/nts/ke/request.ts";
import {
  encodeError,
  encodeNothingInCommon,
  encodeResponse,
  MAX_RESPONSE_LENGTH,
  readResponse,
} from "../../src/nts/ke/response.ts";
import { isServerName } from "../../src/nts/ke/server_name.ts";
import { isOneLine, mixOf, type Target } from "./target.ts";

const AEADS = [15, 30];
/** Types that are known, one that ntpd-rs has, and the last there is. */
const TYPES = [...Object.values(RECORD), 0x4000, 0x7fff];
const LENGTHS = [0, 1, 2, 3, 4, 8, 100, 0xffff];

function cookies(count: number, length: number): Uint8Array[] {
  return Array.from({ length: count }, (_, at) => new Uint8Array(length).fill(at));
}

/** Messages of both sides, right ones and ones that are nearly. */
const CORPUS: readonly Uint8Array[] = [
  encodeRequest({ aeads: [15] }),
  encodeRequest({ aeads: [30, 15, 17], server: "ntp.example", port: 123 }),
  encodeResponse({ aead: 15, compliantExporter: false, cookies: cookies(8, 100) }),
  encodeResponse({
    aead: 30,
    compliantExporter: true,
    cookies: cookies(2, 68),
    server: "2001:db8::1",
    port: 4123,
  }),
  encodeNothingInCommon("protocol"),
  encodeNothingInCommon("aead"),
  encodeError(1),
  encodeMessage([]),
  encodeMessage([
    numbersRecord(true, RECORD.nextProtocol, [0, 0x8001]),
    { critical: false, type: 0x4000, body: new Uint8Array(7) },
    numbersRecord(true, RECORD.aead, [15]),
    textRecord(true, RECORD.server, "a.example"),
    textRecord(true, RECORD.server, "b.example"),
    ...cookies(12, 9).map((body) => ({ critical: false, type: RECORD.cookie, body })),
  ]),
  encodeMessage([
    numbersRecord(true, RECORD.nextProtocol, [0]),
    numbersRecord(true, RECORD.warning, [7]),
    numbersRecord(false, RECORD.cookie, []),
  ]),
];

/** What reads the messages of a key exchange: whole or cut, as a request and as a response. */
export class KeyExchangeTarget implements Target {
  readonly name = "key-exchange";
  readonly corpus: readonly Uint8Array[] = CORPUS;
  passed = 0;

  prefers(): boolean {
    return true;
  }

  /** Has a record claim another type or length. */
  shape(bytes: Uint8Array, length: number, chance: number): void {
    if (chance % 8 > 1) return;
    let at = 0;
    for (let i = (chance >>> 4) % 4; i > 0; i--) {
      const next = at + 4 + ((bytes[at + 2]! << 8) | bytes[at + 3]!);
      if (next + 4 > length) break;
      at = next;
    }
    if (at + 4 > length) return;
    if (chance % 8 === 1) {
      const type = TYPES[(chance >>> 8) % TYPES.length]!;
      bytes[at] = (type >>> 8) | ((chance >>> 16) & 0x80);
      bytes[at + 1] = type;
    } else {
      const claimed = LENGTHS[(chance >>> 8) % LENGTHS.length]!;
      bytes[at + 2] = claimed >>> 8;
      bytes[at + 3] = claimed;
    }
  }

  check(buffer: Uint8Array, length: number): string | undefined {
    const bytes = buffer.subarray(0, length);
    const most = mixOf(bytes, length) % 2 === 0 ? MAX_REQUEST_LENGTH : MAX_RESPONSE_LENGTH;
    const whole = new MessageReader(most);
    const state = whole.push(bytes);
    const cut = length === 0 ? 0 : (mixOf(bytes, length) >>> 1) % length;
    const pieces = new MessageReader(most);
    const first = pieces.push(bytes.subarray(0, cut));
    const last = pieces.push(bytes.subarray(cut));
    // A message that ended within the first piece is wrong for what follows it.
    if (last !== state && !(first === "too-long" || state === "too-long")) {
      return `${state} whole, ${last} when it is cut at ${cut}`;
    }
    if (state !== "complete") return undefined;
    if (length > most) return `complete, with ${length} octets of ${most}`;
    return recordsFault(whole.records, bytes) ?? this.#readingFault(whole.records);
  }

  #readingFault(records: readonly KeRecord[]): string | undefined {
    const request = readRequest(records);
    const response = readResponse(records, AEADS);
    if (typeof response === "string") {
      if (!isOneLine(response)) return `not one line: ${JSON.stringify(response)}`;
    } else {
      const { aead, cookies, server, port } = response;
      if (!AEADS.includes(aead)) return `AEAD ${aead}`;
      if (cookies.length < 1 || cookies.length > 8) return `${cookies.length} cookies`;
      if (cookies.some(({ length }) => length === 0 || length > 1024)) return "an unfit cookie";
      if (server !== undefined && !isServerName(server)) return `server ${server}`;
      if (port !== undefined && !(port > 0 && port < 65536)) return `port ${port}`;
      this.passed++;
    }
    if (typeof request !== "object") return undefined;
    this.passed++;
    if (request.aeads.length === 0) return "no algorithm";
    const { server } = request;
    return server === undefined || isServerName(server) ? undefined : `server ${server}`;
  }
}

/** Whether records are those of the message. */
function recordsFault(records: readonly KeRecord[], bytes: Uint8Array): string | undefined {
  const again = encodeMessage(records);
  if (again.length !== bytes.length) return `${again.length} octets of ${bytes.length}`;
  const end = bytes.length - 4; // whose critical bit we do not insist on
  const differs = again.some((byte, at) => byte !== bytes[at] && at !== end);
  return differs ? "encoded to other bytes" : undefined;
}
