import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { decodeHex } from "@std/encoding/hex";
import { readCorpus } from "./corpus.ts";
import { fuzz, replay, TARGETS } from "./fuzz.ts";
import { Mutator } from "./mutator.ts";
import { Random } from "./random.ts";
import type { Target } from "./target.ts";

const corpus = readCorpus();
const SEED = 5905, COUNT = 20_000;

/** Packets of 20,000 that must get through, or the fuzzer knocks at a closed door. */
const LEAST_PASSED: Record<string, number> = {
  decoder: 8000,
  responder: 3000,
  "guarded-responder": 3000,
  client: 2500,
  "keyed-client": 500,
  "key-exchange": 1000,
  "nts-server": 2000,
  "nts-client": 1500,
  ntpv5: 3000,
  nmea: 6000,
  gpsd: 4000,
  shm: 7000,
  sock: 3000,
};

for (const [name, make] of Object.entries(TARGETS)) {
  test(`fuzz: ${COUNT} packets through the ${name}, without a finding`, () => {
    const { packets, passed, failures, findings } = fuzz(make(), corpus, SEED, COUNT);
    assertEquals(findings, []);
    assertEquals([packets, failures], [COUNT, 0]);
    assert(passed >= LEAST_PASSED[name]!, `only ${passed} got through`);
  });
}

test("fuzz: the corpus has packets of all versions and modes, and every target's favourites", () => {
  const firsts = new Set(
    corpus.filter(({ length }) => length >= 48).map((packet) => packet[0]! & 63),
  );
  for (let mode = 0; mode < 8; mode++) {
    assert([...firsts].some((first) => (first & 7) === mode), `mode ${mode}`);
  }
  for (let version = 0; version < 8; version++) {
    assert([...firsts].some((first) => first >> 3 === version), `version ${version}`);
  }
  for (const make of Object.values(TARGETS)) {
    const target = make(), seeds = target.corpus ?? corpus;
    assert(seeds.filter((packet) => target.prefers(packet)).length >= 10);
  }
});

test("fuzz: a packet is found again from its hexadecimal text", () => {
  assertEquals(replay(corpus[0]!), []);
  assertEquals(replay(new Uint8Array(0)), []);
});

/** Forgets to check one thing, and throws at another. */
class FaultyTarget implements Target {
  readonly name = "faulty";
  passed = 0;
  prefers(packet: Uint8Array): boolean {
    return packet.length === 48;
  }
  check(bytes: Uint8Array, length: number): string | undefined {
    if (length === 52 && bytes[0] === 0x23) return "was 52 bytes long";
    if (length === 56) throw new RangeError("for a reason");
    return undefined;
  }
}

test("fuzz: faults are found, each once, with the packet and the stack", () => {
  const { findings, failures } = fuzz(new FaultyTarget(), corpus, SEED, COUNT);
  assert(failures > 2);
  assertEquals(findings.length, 2);
  const [long, thrown] = findings.toSorted((a, b) => b.what.length - a.what.length).reverse();
  assertEquals(long!.what, "was 52 bytes long");
  assertEquals([long!.hex.length, long!.hex.slice(0, 2)], [104, "23"]);
  assert(thrown!.what.startsWith("threw RangeError: for a reason\n"), thrown!.what);
  assert(thrown!.what.includes("check"), thrown!.what);
  assertEquals(decodeHex(thrown!.hex).length, 56);
});

test("fuzz: the same seed makes the same packets, on every runtime", () => {
  const packets = [48, 52, 68, 76, 332].map((length) => new Uint8Array(length).fill(28));
  const mutator = new Mutator(packets, packets.slice(0, 2), new Random(1, 2));
  let hash = 0;
  for (let i = 0; i < 2000; i++) {
    mutator.next();
    const { buffer, length } = mutator;
    for (let at = 0; at < length; at++) hash = Math.imul(hash ^ buffer[at]!, 0x01000193);
  }
  // Changes with the mutations and with nothing else.
  assertEquals(hash >>> 0, 4274244719);
});

test("fuzz: random numbers are spread evenly, and another stream is another sequence", () => {
  const random = new Random(7), other = new Random(7, 1);
  const counts = new Array<number>(10).fill(0);
  let equal = 0;
  for (let i = 0; i < 100_000; i++) counts[random.below(10)]!++;
  for (let i = 0; i < 10_000; i++) if (random.word() === other.word()) equal++;
  for (const count of counts) assert(count > 9500 && count < 10_500, `${counts}`);
  assertEquals(equal, 0);
});
