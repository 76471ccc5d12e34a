// What bench:ratelimit measures, on the runtime this file is started on:
//
//     ratelimit_cases.ts time ROUNDS     ns per check
//     ratelimit_cases.ts memory          MiB after 10 million sources, bytes allocated per check
//     ratelimit_cases.ts answers         shares of answered requests, in percent
//
// One JSON object on stdout: for each case its list of figures.

import process from "node:process";
import { RateLimiter } from "../src/server/rate_limiter.ts";
import { openHeap } from "./lib/heap.ts";

/** What judges requests: the address in 16 bytes, seconds and fraction words of the time. */
interface Limiter {
  check(address: Uint8Array, now: Uint32Array): string;
}

/** Different sources in a run. */
const SOURCES = 10_000_000;
/** Checks in a round where sources come back, and of the Map, which is slow. */
const ROUND = 200_000;
/** 2^-32 s from one request to the next, at a million requests a second. */
const FLOOD_STEP = 4295;
const CLIENTS = 10_000;
/** 2^-32 s from one request to the next when each client asks every 64 s. */
const CLIENTS_STEP = Math.round(64 / CLIENTS * 2 ** 32);

const address = new Uint8Array(16);
const now = new Uint32Array([3_900_000_000, 0]);

/** Time goes by: less than a second, in units of 2^-32 s. */
function pass(units: number): void {
  const fraction = now[1]! + units;
  now[1] = fraction;
  if (fraction >= 2 ** 32) now[0]!++;
}

function setWord(at: number, word: number): void {
  address[at] = word >>> 24;
  address[at + 1] = word >>> 16;
  address[at + 2] = word >>> 8;
  address[at + 3] = word;
}

/** IPv4 addresses, whatever word 12 is set to. */
function useIpv4(): void {
  address.fill(0);
  address[10] = address[11] = 0xff;
}

/** Addresses in 2000::/8, whatever the words behind the first byte are set to. */
function useIpv6(): void {
  address.fill(0);
  address[0] = 0x20;
}

/** Numbers all over 32 bits, no two the same. */
function scattered(i: number): number {
  return Math.imul(i, 0x9e3779b1);
}

/**
 * The limiter that one would write first: bucket by address and by prefix in a `Map`; when that is
 * full it is kept as the old one, and a new one begun. (To delete the oldest entry is no good: V8
 * passes over all that were deleted to find it.) IPv4 only: there addresses are numbers, the fastest
 * keys.
 */
class MapLimiter implements Limiter {
  readonly #capacity = 2 ** 17;
  #buckets = new Map<number, number>();
  #old = new Map<number, number>();

  check(address: Uint8Array, now: Uint32Array): string {
    const time = now[0]! + now[1]! / 2 ** 32;
    const host = ((address[12]! << 24) | (address[13]! << 16) | (address[14]! << 8)) + address[15]!;
    const prefix = 2 ** 32 + (host >> 8);
    const prefixFull = Math.max(time, this.#get(prefix));
    if (prefixFull - time > 0.5 * 127) return "prefix";
    const hostFull = Math.max(time, this.#get(host));
    if (hostFull - time > 8 * 7) return "address";
    this.#buckets.set(prefix, prefixFull + 0.5);
    this.#buckets.set(host, hostFull + 8);
    if (this.#buckets.size > this.#capacity / 2) {
      this.#old = this.#buckets;
      this.#buckets = new Map();
    }
    return "within";
  }

  #get(key: number): number {
    return this.#buckets.get(key) ?? this.#old.get(key) ?? 0;
  }
}

/** Requests `from` to `to` of a case, judged by `limiter`; the result keeps compilers honest. */
type Loop = (limiter: Limiter, from: number, to: number) => number;

const distinctIpv4: Loop = (limiter, from, to) => {
  let within = 0;
  useIpv4();
  for (let i = from; i < to; i++) {
    pass(FLOOD_STEP);
    setWord(12, scattered(i));
    if (limiter.check(address, now) === "within") within++;
  }
  return within;
};

const distinctIpv6: Loop = (limiter, from, to) => {
  let within = 0;
  useIpv6();
  for (let i = from; i < to; i++) {
    pass(FLOOD_STEP);
    setWord(4, scattered(i));
    setWord(12, i);
    if (limiter.check(address, now) === "within") within++;
  }
  return within;
};

const clients: Loop = (limiter, from, to) => {
  let within = 0;
  useIpv4();
  for (let i = from; i < to; i++) {
    pass(CLIENTS_STEP);
    setWord(12, scattered(i % CLIENTS));
    if (limiter.check(address, now) === "within") within++;
  }
  return within;
};

const oneAddress: Loop = (limiter, from, to) => {
  let within = 0;
  useIpv4();
  setWord(12, 0xc0000201);
  for (let i = from; i < to; i++) {
    pass(FLOOD_STEP);
    if (limiter.check(address, now) === "within") within++;
  }
  return within;
};

let kept = 0;

/** CPU time of this process in nanoseconds: what other processes take does not count. */
function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return 1000 * (user + system);
}

function timeCases(rounds: number): Record<string, number[]> {
  const distinct = Math.ceil(SOURCES / rounds);
  const cases = ([
    ["limiter", new RateLimiter(), distinctIpv4, distinct],
    ["limiter 10,000 clients", new RateLimiter(), clients, ROUND],
    ["limiter one address", new RateLimiter(), oneAddress, ROUND],
    ["limiter IPv6", new RateLimiter(), distinctIpv6, distinct],
    ["map", new MapLimiter(), distinctIpv4, ROUND],
    ["map 10,000 clients", new MapLimiter(), clients, ROUND],
    ["map one address", new MapLimiter(), oneAddress, ROUND],
  ] as const).map(([name, limiter, loop, size]) => ({ name, limiter, loop, size }));
  for (let i = 0; i < 3; i++) {
    // Compilers need a moment; and tables get full, of other sources than those that are measured.
    const from = SOURCES + i * ROUND;
    for (const { limiter, loop } of cases) kept += loop(limiter, from, from + ROUND);
  }
  const figures: Record<string, number[]> = {};
  for (let round = 0; round < rounds; round++) {
    for (const { name, limiter, loop, size } of cases) {
      const start = cpuTime();
      kept += loop(limiter, round * size, (round + 1) * size);
      (figures[name] ??= []).push((cpuTime() - start) / size);
    }
  }
  return figures;
}

async function weighCases(): Promise<Record<string, Record<string, number[]>>> {
  const { collect, taken } = await openHeap();
  /** Bytes taken when all garbage is gone: some of it goes in the background. */
  const settled = async () => {
    for (let i = 0; i < 5; i++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return taken();
  };
  const warm: Limiter[] = [new RateLimiter(), new MapLimiter()];
  for (const limiter of warm) kept += distinctIpv4(limiter, SOURCES, SOURCES + 5 * ROUND);

  const empty = await settled();
  const limiter = new RateLimiter();
  const made = taken();
  kept += distinctIpv4(limiter, 0, SOURCES);
  // The least object has 8 bytes: less is a reading's noise.
  const garbage = Math.max(0, Math.round((taken() - made) / SOURCES));
  const full = await settled();

  const map = new MapLimiter();
  kept += distinctIpv4(map, 0, SOURCES / 10);
  const withMap = await settled();
  for (const used of [limiter, map, ...warm]) kept += distinctIpv4(used, 0, 1); // alive until here
  return {
    growth: { limiter: [(full - empty) / 2 ** 20], map: [(withMap - full) / 2 ** 20] },
    garbage: { limiter: [garbage] },
  };
}

function isAnswered(limiter: Limiter): boolean {
  const verdict = limiter.check(address, now);
  return verdict === "within" || verdict === "leaked";
}

/**
 * Share of the requests of 10,000 clients, each asking every 64 s, ten in a prefix, that are answered
 * while `flood` requests come between two of theirs: from the 256 addresses of an IPv4 prefix, and
 * from random addresses of an IPv6 prefix.
 */
function answeredClients(limiter: Limiter, flood: number): number {
  const asked = 3 * CLIENTS;
  let answered = 0;
  for (let i = 0; i < asked; i++) {
    for (let k = 0; k < flood; k++) {
      pass(CLIENTS_STEP / flood);
      if (k % 2 === 0) {
        useIpv4();
        setWord(12, 0xc6336400 + (k >> 1) % 256);
      } else {
        useIpv6();
        setWord(8, scattered(k));
        setWord(12, scattered(i));
      }
      limiter.check(address, now);
    }
    if (flood === 0) pass(CLIENTS_STEP);
    const client = i % CLIENTS;
    useIpv4();
    setWord(12, 0x0a000000 + (Math.floor(client / 10) << 8) + client % 10);
    if (isAnswered(limiter)) answered++;
  }
  return answered / asked;
}

/**
 * Share of the requests of a victim that asks every 64 s or so that are answered while somebody
 * sends 1000 requests a second in its name.
 */
function answeredVictim(limiter: Limiter): number {
  const polls = 400;
  let answered = 0;
  useIpv4();
  setWord(12, 0xc0000201);
  for (let poll = 0; poll < polls; poll++) {
    const flood = 60_000 + poll * 7919 % 8000;
    for (let i = 0; i < flood; i++) {
      pass(2 ** 32 / 1000);
      limiter.check(address, now);
    }
    if (isAnswered(limiter)) answered++;
  }
  return answered / polls;
}

function countAnswers(): Record<string, Record<string, number[]>> {
  const calm = answeredClients(new RateLimiter(), 0);
  const flood = { limiter: [100 * answeredClients(new RateLimiter(), 500) / calm] };
  const spoofed = {
    limiter: [100 * answeredVictim(new RateLimiter())],
    map: [100 * answeredVictim(new MapLimiter())],
  };
  return { flood, spoofed };
}

const [mode, rounds] = process.argv.slice(2);
const figures = mode === "memory"
  ? await weighCases()
  : mode === "answers"
  ? countAnswers()
  : timeCases(Number(rounds));
console.log(JSON.stringify({ figures, kept: kept > 0 }));
