import { GpsdClock } from "../../src/reference/gpsd_clock.ts";
import { parseGpsdMessage } from "../../src/reference/gpsd_message.ts";
import { FakeStream } from "../reference/scene.ts";
import { NOW, NOW_SECONDS, ReferenceSink, SOON } from "./reference_sink.ts";
import type { Target } from "./target.ts";

const TIME = NOW.toISOString(), DEVICE = "/dev/ttyACM0";
const PULSE = {
  ...{ class: "PPS", device: DEVICE, real_sec: NOW_SECONDS, real_nsec: 0 },
  ...{ clock_sec: NOW_SECONDS - 1, clock_nsec: 999_999_000, precision: -20, qErr: 12 },
};
const FIX = { class: "TPV", device: DEVICE, mode: 3, time: TIME, ept: 0.005, leapseconds: 18 };

const CORPUS: readonly Uint8Array[] = [
  [{ class: "VERSION", release: "3.25", rev: "3.25", proto_major: 3, proto_minor: 15 }],
  [{ class: "DEVICES", devices: [{ class: "DEVICE", path: DEVICE, activated: TIME }] }],
  [FIX],
  [FIX, PULSE],
  [{ ...FIX, mode: 2, time: NOW_SECONDS + 0.25 }],
  [FIX, { ...FIX, device: "/dev/b" }, { ...PULSE, device: "/dev/b" }],
  [FIX, { class: "DEVICE", path: DEVICE, activated: 0 }, FIX],
  [FIX, { ...FIX, mode: 1 }, FIX],
  [{ ...PULSE, class: "TOFF" }, { ...FIX, time: "2026-12-31T23:59:60.000Z" }],
  [FIX, { class: "ERROR", message: "no" }],
  [{ ...FIX, time: undefined }, { class: "SKY", satellites: [{ PRN: 1, used: true }] }],
  [{ ...FIX, ept: -0.5 }, FIX],
  [{ ...FIX, time: 1e306 }, FIX],
  [FIX, { ...PULSE, precision: undefined, clock_sec: NOW_SECONDS, clock_nsec: 1000 }],
].map((messages) =>
  new TextEncoder().encode(messages.map((message) => `${JSON.stringify(message)}\r\n`).join(""))
);

/** Why a receiver is not believed. */
const REASONS = /^(the receiver has no fix|gpsd says: .*|.* has gone)$/;
/** A digit, and what else a number may have in it. */
const NUMERALS = "0123456789.-+eE";

/** `GpsdClock`: whatever gpsd, or who poses as it, says. */
export class GpsdTarget implements Target {
  readonly name = "gpsd";
  readonly corpus: readonly Uint8Array[] = CORPUS;
  passed = 0;

  prefers(): boolean {
    return true;
  }

  /** Changes numbers into other ones: a changed bit mostly leaves no JSON. */
  shape(bytes: Uint8Array, length: number, chance: number): void {
    if (chance % 4 === 0) return;
    let at = chance % (length || 1);
    for (let i = 0; i < length; i++, at = (at + 1) % length) {
      const isDigit = bytes[at]! >= 0x30 && bytes[at]! <= 0x39;
      if (!isDigit) continue;
      bytes[at] = NUMERALS.charCodeAt((chance >>> 8) % NUMERALS.length);
      return;
    }
  }

  check(buffer: Uint8Array, length: number): string | undefined {
    const bytes = buffer.slice(0, Math.min(length, 4096));
    const sink = new ReferenceSink(REASONS), stream = new FakeStream();
    const clock = new GpsdClock(SOON, { openStream: stream.open, system: sink.time });
    sink.run(clock, () => {
      stream.sendBytes(bytes);
      if (!stream.isOpen) sink.fault ??= "it hung up";
    });
    if (stream.isOpen) return "it is still open";
    const { readings } = clock.status();
    if (readings > 0) this.passed++;
    const text = new TextDecoder("latin1").decode(bytes);
    if (readings > 0 && !text.includes('"TPV"')) return "a time without a fix";
    return sink.fault ?? faultOf(text.split(/[\r\n]/));
  }
}

/** What does not hold of single messages. */
function faultOf(lines: readonly string[]): string | undefined {
  for (const line of lines) {
    const message = parseGpsdMessage(line);
    if (message === undefined) continue;
    if (message.class === "TPV") {
      const { mode, timeError, unixNanoseconds } = message;
      if (!Number.isFinite(mode)) return `mode ${mode}`;
      if (timeError !== undefined && !(timeError >= 0)) return `time error ${timeError}`;
      const seconds = Number(unixNanoseconds ?? 0n) / 1e9;
      if (Math.abs(seconds) > 8.64e12) return `the time ${seconds}`;
    } else if ("precision" in message) {
      const { precision } = message;
      if (precision !== undefined && !Number.isFinite(precision)) return `precision ${precision}`;
    } else if (typeof message.text !== "string") return "a text that is none";
  }
  return undefined;
}
