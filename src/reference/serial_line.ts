import { cString } from "../transport/native/ffi/ffi.ts";
import { deviceError, openDeviceCalls } from "./device_calls.ts";

/** Speeds of serial lines, in bits a second. */
export const SERIAL_SPEEDS: readonly SerialSpeed[] = [
  4800,
  9600,
  19200,
  38400,
  57600,
  115200,
  230400,
];

/** A speed of a serial line, in bits a second. */
export type SerialSpeed = 4800 | 9600 | 19200 | 38400 | 57600 | 115200 | 230400;

/** What the kernel calls the speeds (asm-generic/termbits.h). */
const CODES: Readonly<Record<SerialSpeed, number>> = {
  4800: 0o14,
  9600: 0o15,
  19200: 0o16,
  38400: 0o17,
  57600: 0o10001,
  115200: 0o10002,
  230400: 0o10003,
};

const TCGETS = 0x5401n, TCSETS = 0x5402n;
const O_RDWR = 2, O_NOCTTY = 0o400, O_NONBLOCK = 0o4000;
/** `struct termios` of the kernel: four words of flags, a line discipline, 19 characters. */
const TERMIOS_SIZE = 64, INPUT = 0, OUTPUT = 4, CONTROL = 8, LOCAL = 12, CHARACTERS = 17;
const CBAUD = 0o10017, CSIZE = 0o60, CS8 = 0o60, CREAD = 0o200, PARENB = 0o400, CLOCAL = 0o4000;
const CSTOPB = 0o100, CRTSCTS = 0o20000000000;
/** Places of the least number of bytes, and of the time, that a read waits for. */
const VTIME = 5, VMIN = 6;

/**
 * Makes a serial line raw, of eight bits without parity, and sets its speed.
 *
 * @param path of the device
 * @param speed bits a second
 * @throws {NTPError} `permission`, `not-found`, `unsupported` or `system`
 */
export async function setSerialSpeed(path: string, speed: SerialSpeed): Promise<void> {
  const calls = await openDeviceCalls(), text = cString(path);
  const flags = O_RDWR | O_NOCTTY | O_NONBLOCK;
  const descriptor = calls.open(calls.pointer(text.buffer), flags);
  if (descriptor < 0) throw deviceError(path, calls.errno());
  try {
    const buffer = new ArrayBuffer(TERMIOS_SIZE), view = new DataView(buffer);
    const pointer = calls.pointer(buffer);
    if (calls.ioctl(descriptor, TCGETS, pointer) < 0) throw deviceError(path, calls.errno());
    makeRaw(view, speed);
    if (calls.ioctl(descriptor, TCSETS, pointer) < 0) throw deviceError(path, calls.errno());
  } finally {
    calls.close(descriptor);
  }
}

/** Changes the settings of a line, as the kernel has told them. */
export function makeRaw(view: DataView, speed: SerialSpeed): void {
  const control = view.getUint32(CONTROL, true);
  const kept = control & ~(CBAUD | CSIZE | PARENB | CSTOPB | CRTSCTS);
  view.setUint32(INPUT, 0, true);
  view.setUint32(OUTPUT, 0, true);
  view.setUint32(LOCAL, 0, true);
  view.setUint32(CONTROL, (kept | CS8 | CREAD | CLOCAL | CODES[speed]) >>> 0, true);
  view.setUint8(CHARACTERS + VTIME, 0);
  view.setUint8(CHARACTERS + VMIN, 1);
}
