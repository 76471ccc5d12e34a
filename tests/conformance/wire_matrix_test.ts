import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { SystemClock } from "../../src/clock/system_clock.ts";
import { ORIGIN_TIMESTAMP_AT, readWord } from "../../src/packet/header.ts";
import { NTPPacket } from "../../src/packet/packet.ts";
import { NTPServer } from "../../src/server/ntp_server.ts";
import { udpAdapter, type UdpAdapterName } from "../../src/transport/bind_udp.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import type { UdpTransport } from "../../src/transport/udp_transport.ts";
import { readTable } from "./tables.ts";
import { KEYS, TRAILERS } from "./wire_trailers.ts";

/** What comes of each: the length of the reply, or the reason for none. */
const OUTCOMES = readTable("behind the header", "versions 1, 2", "version 3", "version 4");
/** Fits into the receive buffers of any system. */
const BATCH = 64;
/** Length of a crypto-NAK, and of no other reply. */
const CRYPTO_NAK = "52";
/** Longer than anything here takes: only a bound for what hangs. */
const PATIENCE_MS = 20_000;

/** A datagram with what is to come of it. */
interface Case {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Length of the reply, or a reason for none. */
  readonly outcome: string;
}

/** A header whose transmit timestamp tells which one it was. */
function header(version: number, mode: number, index: number): Uint8Array {
  const bytes = new Uint8Array(48);
  bytes[0] = (version << 3) | mode;
  new DataView(bytes.buffer).setUint32(44, index);
  bytes[40] = 0xa5;
  return bytes;
}

function outcomeOf(row: readonly string[], version: number, mode: number): string {
  if (version === 0 || version > 4) return "version";
  if (mode !== 3 && !(mode === 0 && version === 1)) return "mode";
  return row[version < 3 ? 1 : version - 1]!;
}

function makeCases(): Case[] {
  const cases: Case[] = [];
  for (let version = 0; version < 8; version++) {
    for (let mode = 0; mode < 8; mode++) {
      for (const row of OUTCOMES) {
        // Digests of versions that there are not have the length of the nearest one's.
        const nearest = Math.min(4, Math.max(1, version)) as 1 | 2 | 3 | 4;
        const bytes = TRAILERS[row[0]!]!(header(version, mode, cases.length), nearest);
        const name = `version ${version}, mode ${mode}, ${row[0]}`;
        cases.push({ name, bytes, outcome: outcomeOf(row, version, mode) });
      }
      for (const length of [0, 1, 12, 47]) {
        const bytes = header(version, mode, cases.length).slice(0, length);
        const name = `version ${version}, mode ${mode}, ${length} bytes`;
        cases.push({ name, bytes, outcome: "short" });
      }
    }
  }
  return cases;
}

/** Keeps what comes back, by the number of the case that it answers. */
class Replies {
  readonly #byCase = new Map<number, Uint8Array[]>();
  #awaited = new Set<number>();
  #wake = () => {};

  of(index: number): Uint8Array[] {
    return this.#byCase.get(index) ?? [];
  }

  /** How many cases have been answered. */
  get size(): number {
    return this.#byCase.size;
  }

  add(data: Uint8Array): void {
    const index = data.length < 48 ? -1 : readWord(data, ORIGIN_TIMESTAMP_AT + 4);
    this.#byCase.set(index, [...this.of(index), Uint8Array.from(data)]);
    this.#awaited.delete(index);
    if (this.#awaited.size === 0) this.#wake();
  }

  /** Waits until each of these cases has been answered. */
  async wait(indices: readonly number[], nameOf: (index: number) => string): Promise<void> {
    this.#awaited = new Set(indices.filter((index) => !this.#byCase.has(index)));
    if (this.#awaited.size === 0) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve, reject) => {
      this.#wake = resolve;
      timer = setTimeout(() => {
        reject(new Error(`not answered: ${[...this.#awaited].map(nameOf).join("; ")}`));
      }, PATIENCE_MS);
    }).finally(() => clearTimeout(timer));
  }
}

/** What is wrong with a reply; `undefined`, nothing. */
function faultOf(request: Uint8Array, outcome: string, reply: Uint8Array): string | undefined {
  if (reply.length > request.length) return `${reply.length} bytes for ${request.length}`;
  if (String(reply.length) !== outcome) return `${reply.length} bytes instead of ${outcome}`;
  const { version, mode, stratum, mac, originTimestamp } = NTPPacket.decode(reply);
  if (version !== ((request[0]! >> 3) & 7)) return `version ${version}`;
  if (mode !== 4 || stratum !== 1) return `mode ${mode}, stratum ${stratum}`;
  if (originTimestamp !== NTPPacket.decode(request).transmitTimestamp) return "another origin";
  if (reply.length === 48) return undefined;
  if (reply.length === 52) return mac!.keyId === 0 ? undefined : "no crypto-NAK";
  const macAt = request.length - reply.length + 48;
  if (mac!.keyId !== readWord(request, macAt)) return `key ${mac!.keyId}`;
  const right = KEYS.get(mac!.keyId)!.verify(reply.subarray(0, 48), mac!.digest, version);
  return right ? undefined : "a wrong MAC";
}

const isAnswered = (outcome: string): boolean => /^\d+$/.test(outcome);

/** Sends all cases; returns what came back and how many good requests were sent between them. */
async function send(cases: readonly Case[], socket: UdpTransport, to: Endpoint, replies: Replies) {
  const nameOf = (index: number) => cases[index]?.name ?? "a good request behind others";
  let sentinels = 0;
  for (let start = 0; start < cases.length; start += BATCH) {
    const batch = cases.slice(start, start + BATCH);
    for (const { bytes } of batch) assert(["sent", "queued"].includes(socket.send(bytes, to)));
    // Datagrams from one socket to another stay in order: once a good request that was sent behind
    // others is answered, what has not been answered of those never is.
    const sentinel = cases.length + sentinels++;
    socket.send(header(4, 3, sentinel), to);
    const answered = batch.flatMap(({ outcome }, i) => isAnswered(outcome) ? [start + i] : []);
    await replies.wait([...answered, sentinel], nameOf);
  }
  return sentinels;
}

async function probe(adapter: UdpAdapterName): Promise<void> {
  const bind = udpAdapter(adapter);
  const clock = new SystemClock();
  const errors: Error[] = [];
  const onError = (error: Error) => errors.push(error);
  const server = new NTPServer({ clock, bind, keys: KEYS, onError });
  const { hostname, port } = await server.listen({ hostname: "127.0.0.1", port: 0 });
  const cases = makeCases();
  const replies = new Replies();
  let sentinels = 0;
  try {
    const onDatagram = (data: Uint8Array) => replies.add(data);
    const socket = await bind({ hostname, clock, onDatagram, onError });
    try {
      sentinels = await send(cases, socket, new Endpoint(hostname, port), replies);
    } finally {
      await socket.close();
    }
  } finally {
    await server.close();
  }

  const faults = cases.flatMap(({ name, bytes, outcome }, i) => {
    const got = replies.of(i), wanted = isAnswered(outcome) ? 1 : 0;
    if (got.length !== wanted) return [`${name}: ${got.length} replies instead of ${wanted}`];
    return got.flatMap((reply) => {
      const fault = faultOf(bytes, outcome, reply);
      return fault === undefined ? [] : [`${name}: ${fault}`];
    });
  });
  assertEquals(faults, []);
  const countOf = (holds: (outcome: string) => boolean) =>
    cases.filter(({ outcome }) => holds(outcome)).length;
  assertEquals(replies.size, countOf(isAnswered) + sentinels);

  const { received, answered, cryptoNaks, kissed, routed, dropped } = server.statistics();
  assertEquals(
    { received, answered, cryptoNaks, kissed, routed },
    {
      received: cases.length + sentinels,
      answered: countOf((outcome) => isAnswered(outcome) && outcome !== CRYPTO_NAK) + sentinels,
      cryptoNaks: countOf((outcome) => outcome === CRYPTO_NAK),
      kissed: 0,
      routed: 0,
    },
  );
  for (const [reason, count] of Object.entries(dropped)) {
    assertEquals(count, countOf((outcome) => outcome === reason), reason);
  }
  assertEquals(errors, []);
}

test("wire matrix: what is sent has an outcome in README.md, and the other way round", () => {
  assertEquals(OUTCOMES.map(([name]) => name).sort(), Object.keys(TRAILERS).sort());
  assertEquals(makeCases().length, 64 * (OUTCOMES.length + 4));
});

for (
  const [name, adapter] of [["the runtime's own UDP", "auto"], ["node:dgram", "node"]] as const
) {
  test(`wire matrix: all 64 pairs of version and mode, and what stands behind: ${name}`, async () => {
    await probe(adapter);
  });
}
