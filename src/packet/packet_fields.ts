import type { ExtensionField, Mac, NTPPacketFields } from "./packet.ts";
import { MIN_FIELD_LENGTH, MIN_LAST_FIELD_LENGTH, trailerPart } from "./trailer.ts";

const MAX_FIELD_LENGTH = 65532;

/** Smallest and largest whole number that each field of the header holds. */
const WHOLE = {
  leapIndicator: [0, 3],
  version: [1, 4],
  mode: [0, 5],
  stratum: [0, 255],
  poll: [-128, 127],
  precision: [-128, 127],
  referenceId: [0, 0xffffffff],
} as const;

const DURATIONS = ["rootDelay", "rootDispersion"] as const;

const TIMESTAMPS = [
  "referenceTimestamp",
  "originTimestamp",
  "receiveTimestamp",
  "transmitTimestamp",
] as const;

function checkWhole(name: string, value: unknown, least: number, most: number): void {
  if (typeof value !== "number") {
    throw new TypeError(`${name} is a number, not ${typeof value}: ${value}`);
  }
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${name} is a whole number from ${least} to ${most}, not ${value}`);
  }
}

function checkObject(name: string, value: unknown): void {
  if (typeof value !== "object" || value === null) {
    throw new TypeError(`${name} is an object, not ${typeof value}: ${value}`);
  }
}

/**
 * Checks that a value is a `Uint8Array`, of any realm: what arrives in a sandbox, such as those of
 * test runners, is no `instanceof` the sandbox's own class.
 *
 * @param name what the value is called, for the message
 * @param value anything
 * @throws {TypeError} if it is something else
 */
export function checkBytes(name: string, value: unknown): void {
  if (Object.prototype.toString.call(value) !== "[object Uint8Array]") {
    throw new TypeError(`${name} is a Uint8Array, not ${typeof value}: ${value}`);
  }
}

/** Length of a MAC that a receiver would take for one. */
function checkMac(mac: Mac | undefined, version: number): number {
  if (mac === undefined) return 0;
  checkObject("mac", mac);
  checkWhole("mac.keyId", mac.keyId, 0, 0xffffffff);
  checkBytes("mac.digest", mac.digest);
  const length = 4 + mac.digest.length;
  if (trailerPart(new Uint8Array(4), 0, length, version) !== -length) {
    throw new RangeError(
      `mac.digest has ${mac.digest.length} bytes, which is no digest of version ${version}` +
        (version === 4 ? ": 16, 20, or 0 for a crypto-NAK" : ""),
    );
  }
  return length;
}

function checkTrailer(fields: Partial<NTPPacketFields>): void {
  const { extensionFields = [], mac, version = 4 } = fields;
  if (!Array.isArray(extensionFields)) {
    throw new TypeError(
      `extensionFields is an array, not ${typeof extensionFields}: ${extensionFields}`,
    );
  }
  if (version < 4 && extensionFields.length > 0) {
    throw new RangeError(`Version ${version} has no extension fields: use version 4 or leave them`);
  }
  // What begins at the last field and is shorter than 28 bytes is read as a MAC: with a crypto-NAK
  // of 4 bytes behind it, the field must have 24.
  const leastLast = Math.max(MIN_FIELD_LENGTH, MIN_LAST_FIELD_LENGTH - checkMac(mac, version));
  extensionFields.forEach((field: ExtensionField, i) => {
    checkObject(`extensionFields[${i}]`, field);
    const { type, value } = field;
    checkWhole(`extensionFields[${i}].type`, type, 0, 0xffff);
    checkBytes(`extensionFields[${i}].value`, value);
    const last = i === extensionFields.length - 1 && leastLast > MIN_FIELD_LENGTH;
    const least = (last ? leastLast : MIN_FIELD_LENGTH) - 4;
    const length = value.length;
    if (length < least || length > MAX_FIELD_LENGTH - 4 || length % 4 !== 0) {
      throw new RangeError(
        `extensionFields[${i}].value has a multiple of 4 bytes, from ${least}${
          last ? ` (as the last one of a packet ${mac ? "with a crypto-NAK" : "without MAC"})` : ""
        } to ${MAX_FIELD_LENGTH - 4}, not ${length}: pad it with zeros (RFC 7822 §3)`,
      );
    }
  });
}

/**
 * Checks that fields fit on the wire and can be read back as they are.
 *
 * @param fields the fields to check; missing ones are fine
 * @throws {TypeError} if a field has the wrong type
 * @throws {RangeError} if a field does not fit
 */
export function checkPacketFields(fields: Partial<NTPPacketFields>): void {
  for (const [name, [least, most]] of Object.entries(WHOLE)) {
    const value = fields[name as keyof typeof WHOLE];
    if (value !== undefined) checkWhole(name, value, least, most);
  }
  for (const name of DURATIONS) {
    const value = fields[name];
    if (value === undefined) continue;
    if (typeof value !== "number") {
      throw new TypeError(`${name} is a number of seconds, not ${typeof value}: ${value}`);
    }
    if (!(value >= 0 && value < 65536)) {
      throw new RangeError(`${name} lies from 0 up to 65536 seconds, not ${value}`);
    }
  }
  for (const name of TIMESTAMPS) {
    const value = fields[name];
    if (value === undefined) continue;
    if (typeof value !== "bigint") {
      throw new TypeError(`${name} is an NTP timestamp, a bigint, not ${typeof value}: ${value}`);
    }
    if (BigInt.asUintN(64, value) !== value) {
      throw new RangeError(`${name} is an NTP timestamp of 64 bits without sign, not ${value}`);
    }
  }
  checkTrailer(fields);
}
