import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { answers } from "../../src/client/match.ts";
import { NTPPacket, type NTPPacketFields } from "../../src/packet/mod.ts";

const NONCE = 0x0123_4567_89ab_cdefn;
const REQUEST = new NTPPacket({ transmitTimestamp: NONCE }).encode();

function reply(fields: Partial<NTPPacketFields> = {}): Uint8Array {
  return new NTPPacket({ mode: 4, stratum: 1, originTimestamp: NONCE, ...fields }).encode();
}

test("the reply that gives back the random timestamp answers", () => {
  assert(answers(REQUEST, reply()));
  assert(answers(REQUEST, reply({ version: 3 })));
});

test("one bit of another origin timestamp does not, whichever", () => {
  for (let bit = 0n; bit < 64n; bit++) {
    assert(!answers(REQUEST, reply({ originTimestamp: NONCE ^ (1n << bit) })), `bit ${bit}`);
  }
});

test("only mode 4 answers", () => {
  for (const mode of [0, 1, 2, 3, 5] as const) assert(!answers(REQUEST, reply({ mode })));
});

test("versions 0 and above 4 do not answer", () => {
  for (let version = 0; version < 8; version++) {
    const data = reply();
    data[0] = (version << 3) | 4;
    assertEquals(answers(REQUEST, data), version >= 1 && version <= 4);
  }
});

test("what is shorter than a header does not answer", () => {
  for (let length = 0; length < 48; length++) assert(!answers(REQUEST, reply().slice(0, length)));
});
