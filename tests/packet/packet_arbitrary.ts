/**
 * Arbitrary packets for property tests: every combination of fields that the constructor takes.
 */

import fc from "fast-check";
import type { ExtensionField, Mac, NTPPacketFields, Version } from "../../src/packet/packet.ts";
import type { LeapIndicator } from "../../src/packet/leap_indicator.ts";
import type { Mode } from "../../src/packet/mode.ts";

const word: fc.Arbitrary<number> = fc.integer({ min: 0, max: 0xffffffff });
const exponent: fc.Arbitrary<number> = fc.integer({ min: -128, max: 127 });
const timestamp: fc.Arbitrary<bigint> = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
/** What the short format holds exactly. */
const duration: fc.Arbitrary<number> = word.map((units) => units / 65536);

function bytes(length: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: length, maxLength: length });
}

function mac(...digestLengths: number[]): fc.Arbitrary<Mac | undefined> {
  const some = fc.constantFrom(...digestLengths).chain((length) =>
    fc.record({ keyId: word, digest: bytes(length) })
  );
  return fc.option(some, { nil: undefined });
}

/** An extension field of `least` bytes or more, its header included. */
function field(least: number): fc.Arbitrary<ExtensionField> {
  return fc.integer({ min: least / 4, max: 30 }).chain((words) =>
    fc.record({ type: fc.integer({ min: 0, max: 0xffff }), value: bytes(4 * words - 4) })
  );
}

type Trailer = Pick<NTPPacketFields, "version" | "extensionFields" | "mac">;

/** Before version 4: a MAC of any length in use. */
const oldTrailers: fc.Arbitrary<Trailer> = fc.record({
  version: fc.constantFrom<Version>(1, 2, 3),
  extensionFields: fc.constant([]),
  mac: mac(0, 8, 16, 20, 32, 48, 64, 68),
});

const newTrailers: fc.Arbitrary<Trailer> = mac(0, 16, 20).chain((mac) =>
  fc.record({
    version: fc.constant<Version>(4),
    // Behind the last field, 28 bytes must be left from its beginning (RFC 7822 §7.5.1.4).
    extensionFields: fc.oneof(
      fc.constant([]),
      fc.tuple(
        fc.array(field(16), { maxLength: 3 }),
        field(Math.max(16, 28 - (mac ? 4 + mac.digest.length : 0))),
      ).map(([fields, last]) => [...fields, last]),
    ),
    mac: fc.constant(mac),
  })
);

/** The fields of packets that are well formed. */
export const packetFields: fc.Arbitrary<NTPPacketFields> = fc.tuple(
  fc.record({
    leapIndicator: fc.constantFrom<LeapIndicator>(0, 1, 2, 3),
    mode: fc.constantFrom<Mode>(0, 1, 2, 3, 4, 5),
    stratum: fc.nat(255),
    poll: exponent,
    precision: exponent,
    rootDelay: duration,
    rootDispersion: duration,
    referenceId: word,
    referenceTimestamp: timestamp,
    originTimestamp: timestamp,
    receiveTimestamp: timestamp,
    transmitTimestamp: timestamp,
  }),
  fc.oneof(oldTrailers, newTrailers),
).map(([header, trailer]) => ({ ...header, ...trailer }));
