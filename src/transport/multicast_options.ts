import type { MulticastOptions } from "./udp_transport.ts";

/**
 * Checks what is to be configured, for all adapters.
 *
 * @throws {TypeError} if an option has the wrong type
 * @throws {RangeError} if `hopLimit` is out of range, or `family` neither 4 nor 6
 */
export function checkMulticastOptions(options: MulticastOptions): MulticastOptions {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`options is an object, not ${String(options)}`);
  }
  const { family, hopLimit, loopback } = options;
  if (family !== undefined && family !== 4 && family !== 6) {
    throw new RangeError(`family is 4 or 6, not ${String(family)}`);
  }
  if (hopLimit !== undefined) {
    if (typeof hopLimit !== "number") {
      throw new TypeError(`hopLimit is a number, not ${String(hopLimit)}`);
    }
    if (!Number.isInteger(hopLimit) || hopLimit < 1 || hopLimit > 255) {
      throw new RangeError(`hopLimit is a whole number from 1 to 255, not ${hopLimit}`);
    }
  }
  if (loopback !== undefined && typeof loopback !== "boolean") {
    throw new TypeError(`loopback is a boolean, not ${String(loopback)}`);
  }
  return options;
}
