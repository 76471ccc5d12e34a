// What bench:codec measures, on the runtime this file is started on:
//
//     codec_cases.ts time ROUNDS MILLISECONDS     ns per packet
//     codec_cases.ts bytes                        bytes allocated per packet
//
// One JSON object on stdout: for each case its list of figures.

import process from "node:process";
import { aeadWith } from "../src/nts/aead/registry.ts";
import { MAX_NTS_REPLY_LENGTH } from "../src/nts/nts_guard.ts";
import { NtsResponder } from "../src/nts/nts_responder.ts";
import { protectRequest } from "../src/nts/request_protection.ts";
import { RotatingCookieKeys } from "../src/nts/rotating_cookie_keys.ts";
import { answers } from "../src/client/match.ts";
import { measure } from "../src/client/measurement.ts";
import { makeRequest } from "../src/client/request.ts";
import { findFault } from "../src/client/validate.ts";
import { SystemClock } from "../src/clock/system_clock.ts";
import { HEADER_LENGTH } from "../src/packet/header.ts";
import { NTPPacket } from "../src/packet/packet.ts";
import { Responder } from "../src/server/responder.ts";
import { Endpoint } from "../src/transport/endpoint.ts";
import { openHeap } from "./lib/heap.ts";

/** Does something `times` times; the result keeps compilers from leaving it out. */
type Loop = (times: number) => number;

/** Different packets, so that no field is a constant; a power of two. */
const VARIETY = 256;

const clock = new SystemClock();
const time = clock.now();

const requests = Array.from({ length: VARIETY }, (_, i) => {
  const fields = {
    version: i % 8 === 0 ? 3 : 4,
    poll: i % 12,
    transmitTimestamp: BigInt(i * i + 1) << 20n,
  } as const;
  return new NTPPacket(fields).encode();
});
const replies = requests.map((request, i) =>
  new NTPPacket({
    version: 4,
    mode: 4,
    stratum: 1 + i % 4,
    poll: 6,
    precision: -23,
    rootDelay: i / 65536,
    rootDispersion: i / 65536,
    referenceId: 0x47505300 + i,
    referenceTimestamp: time - BigInt(i),
    originTimestamp: NTPPacket.decode(request).transmitTimestamp,
    receiveTimestamp: time + BigInt(i),
    transmitTimestamp: time + BigInt(2 * i),
  })
);
const replyBytes = replies.map((reply) => reply.encode());
/** Requests with bytes behind them that are neither extension fields nor a MAC. */
const junk = requests.map((request, i) => {
  const bytes = new Uint8Array(HEADER_LENGTH + 4 * (1 + i % 3)).fill(i);
  bytes.set(request);
  return bytes;
});

const source = new Endpoint("192.0.2.1", 50_123);
const arrival = new Uint32Array(2);
const into = new Uint8Array(HEADER_LENGTH);

function makeResponder(clock: { read(into: Uint32Array): void }): Responder {
  return new Responder({
    clock,
    variables: () => ({
      leapIndicator: 0,
      stratum: 1,
      precision: -23,
      rootDelay: 0,
      rootDispersion: 0.001,
      referenceId: 0x47505300,
      referenceTimestamp: time,
    }),
  });
}

/** A clock that costs nothing: what is left is the protocol. */
let ticks = 0;
const freeClock = {
  read(into: Uint32Array): void {
    into[0] = arrival[0]!;
    into[1] = ticks = (ticks + 1) >>> 0;
  },
};

function responding(responder: Responder, packets: Uint8Array[]): Loop {
  return (times) => {
    let sum = 0;
    clock.read(arrival);
    for (let i = 0; i < times; i++) {
      const packet = packets[i % VARIETY]!;
      sum += responder.respond(packet, packet.length, source, arrival, into);
    }
    return sum + into[47]!;
  };
}

/** A server and its requests with NTS: a session of its own for each. */
function respondingNts(aead: number): Loop {
  const cookieKeys = new RotatingCookieKeys();
  const responder = new Responder({
    clock,
    variables: () => ({
      leapIndicator: 0,
      stratum: 1,
      precision: -23,
      rootDelay: 0,
      rootDispersion: 0.001,
      referenceId: 0x47505300,
      referenceTimestamp: time,
    }),
    nts: new NtsResponder({ cookieKeys }),
  });
  const random = (bytes: Uint8Array) =>
    void crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>);
  const protectedRequests = requests.map((request) => {
    const keyLength = aeadWith(aead)!.keyLength;
    const c2s = new Uint8Array(keyLength), s2c = new Uint8Array(keyLength);
    random(c2s);
    random(s2c);
    const keys = { aead, c2s, s2c };
    const header = request.slice();
    header[0] = 0x23; // NTS is of version 4
    return protectRequest(header, keys, cookieKeys.seal(keys), 1, random);
  });
  const reply = new Uint8Array(MAX_NTS_REPLY_LENGTH);
  return (times) => {
    let sum = 0;
    clock.read(arrival);
    for (let i = 0; i < times; i++) {
      const packet = protectedRequests[i % VARIETY]!;
      const length = responder.respond(packet, packet.length, source, arrival, reply);
      if (length !== packet.length) throw new Error(`a request with NTS came to ${length}`);
      sum += reply[47]!;
    }
    return sum;
  };
}

const limits = { maxRootDistance: 16, timeoutMs: 5000 };

const CASES: Record<string, Loop> = {
  "copy 48 bytes": (times) => {
    for (let i = 0; i < times; i++) {
      const packet = requests[i % VARIETY]!;
      for (let k = 0; k < HEADER_LENGTH; k++) into[k] = packet[k]!;
    }
    return into[47]!;
  },
  "responder plain": responding(makeResponder(clock), requests),
  "responder without clock": responding(makeResponder(freeClock), requests),
  "responder junk": responding(makeResponder(clock), junk),
  "responder NTS": respondingNts(15),
  "responder NTS, GCM-SIV": respondingNts(30),
  "decode": (times) => {
    let sum = 0;
    for (let i = 0; i < times; i++) sum += NTPPacket.decode(replyBytes[i % VARIETY]!).stratum;
    return sum;
  },
  "encode": (times) => {
    let sum = 0;
    for (let i = 0; i < times; i++) sum += replies[i % VARIETY]!.encode()[1]!;
    return sum;
  },
  "client request": (times) => {
    let sum = 0, number = 0;
    const random = (nonce: Uint8Array) => {
      nonce[0] = number = (number + 1) & 255 | 1;
    };
    for (let i = 0; i < times; i++) sum += makeRequest(4, random)[40]!;
    return sum;
  },
  "client reply": (times) => {
    let sum = 0;
    const requestTimestamp = time - 0x10_0000n, destinationTimestamp = time + 0x10_0000n;
    for (let i = 0; i < times; i++) {
      const data = replyBytes[i % VARIETY]!;
      if (!answers(requests[i % VARIETY]!, data)) throw new Error("a reply matches no request");
      const exchange = {
        packet: NTPPacket.decode(data),
        requestTimestamp,
        destinationTimestamp,
        authentication: "none",
      } as const;
      const measurement = measure(exchange, -23);
      const fault = findFault(exchange, measurement, "192.0.2.1:123", limits);
      if (fault) throw fault;
      sum += measurement.offset;
    }
    return sum;
  },
};

let kept = 0;

/** Compilers need a moment, and decide again after it; the more, the more others want the cores. */
function warmUp(loop: Loop, milliseconds: number): void {
  let rounds = 0;
  for (const end = performance.now() + milliseconds; rounds < 20 || performance.now() < end;) {
    kept += loop(20_000);
    rounds++;
  }
}

/** How often a loop goes round in a number of milliseconds. */
function calibrate(loop: Loop, milliseconds: number): number {
  for (let times = 256;; times *= 4) {
    const start = performance.now();
    kept += loop(times);
    const taken = performance.now() - start;
    if (taken > milliseconds / 4) return Math.ceil(times * milliseconds / taken);
  }
}

function timeCases(rounds: number, milliseconds: number): Record<string, number[]> {
  const cases = Object.entries(CASES).map(([name, loop]) => {
    warmUp(loop, 2 * milliseconds);
    return { name, loop, times: calibrate(loop, milliseconds), figures: [] as number[] };
  });
  for (let round = 0; round < rounds; round++) {
    for (const { loop, times, figures } of cases) {
      const start = performance.now();
      kept += loop(times);
      figures.push((performance.now() - start) * 1e6 / times);
    }
  }
  return Object.fromEntries(cases.map(({ name, figures }) => [name, figures]));
}

/**
 * Bytes per packet. The heap must be so large that nothing is collected while a loop runs; loops are
 * kept short enough for that.
 */
async function weighCases(): Promise<Record<string, number[]>> {
  const { collect, taken } = await openHeap();
  const weigh = (loop: Loop, times: number) => {
    const figures = [];
    for (let i = 0; i < 5; i++) {
      collect();
      const before = taken();
      kept += loop(times);
      figures.push((taken() - before) / times);
    }
    return figures.sort((a, b) => a - b);
  };
  const weighed = Object.entries(CASES).map(([name, loop]) => {
    warmUp(loop, 200);
    // As many as fit into 16 MB: the more, the less the noise of a reading.
    const estimate = Math.max(0, weigh(loop, 2_000)[2]!);
    return [name, weigh(loop, Math.round(Math.min(1_000_000, 16e6 / (estimate + 1))))];
  });
  return Object.fromEntries(weighed);
}

const [mode, rounds, milliseconds] = process.argv.slice(2);
const figures = mode === "bytes"
  ? await weighCases()
  : timeCases(Number(rounds), Number(milliseconds));
console.log(JSON.stringify({ figures, kept: kept > 0 }));
