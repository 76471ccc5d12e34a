import { NTPError } from "../packet/error.ts";
import type { Pointer } from "../transport/native/ffi/ffi.ts";
import { type DeviceCalls, deviceError } from "./device_calls.ts";
import { GREATEST_UNIT, SHM_KEY, SHM_SIZE, ShmSegment } from "./shm_layout.ts";

const IPC_CREAT = 0o1000;
const EINVAL = 22;
/** Units below this are root's: so are the programs that use them. */
const PUBLIC_UNITS = 2;

/**
 * Checks the number of a segment.
 *
 * @throws {TypeError} if it is not a number
 * @throws {RangeError} if there is no such unit
 */
export function checkUnit(unit: number): void {
  if (typeof unit !== "number") {
    throw new TypeError(`unit is a number, not ${typeof unit}: ${String(unit)}`);
  }
  if (!Number.isInteger(unit) || unit < 0 || unit > GREATEST_UNIT) {
    throw new RangeError(`unit is a whole number from 0 to ${GREATEST_UNIT}, not ${unit}`);
  }
}

/** A segment of the system's shared memory, attached; made if it was not there. */
export class ShmMemory {
  /** What is in it. */
  readonly segment: ShmSegment;
  readonly #address: Pointer;

  /**
   * @param calls of this machine
   * @param unit which segment, 0 to 255
   * @throws {NTPError} `permission` or `system`
   */
  constructor(calls: DeviceCalls, unit: number) {
    const name = `Shared memory, unit ${unit}`;
    const mode = unit < PUBLIC_UNITS ? 0o600 : 0o666;
    const id = calls.shmget(SHM_KEY + unit, BigInt(SHM_SIZE), IPC_CREAT | mode);
    if (id < 0) throw refusal(name, SHM_KEY + unit, calls.errno());
    this.#address = calls.shmat(id, calls.nullPointer, 0);
    if (calls.addressOf(this.#address) === 0xffff_ffff_ffff_ffffn) {
      throw deviceError(name, calls.errno());
    }
    this.segment = new ShmSegment(calls.memory(this.#address, SHM_SIZE));
  }

  /** Gives it back. The segment must not be used any more. */
  detach(calls: DeviceCalls): void {
    calls.shmdt(this.#address);
  }
}

/** The error of a segment that could not be had. */
function refusal(name: string, key: number, errno: number): NTPError {
  if (errno !== EINVAL) return deviceError(name, errno);
  const remedy = `ipcrm -M 0x${key.toString(16)}`;
  return new NTPError("system", `${name}: there is one of another size: remove it (${remedy})`);
}
