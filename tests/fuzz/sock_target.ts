import { SockClock } from "../../src/reference/sock_clock.ts";
import { encodeSockSample, SOCK_LENGTH } from "../../src/reference/sock_message.ts";
import { fakeCalls, viewOf } from "../reference/scene.ts";
import { apart, NOW_SECONDS, offsetOf, ReferenceSink, SOON } from "./reference_sink.ts";
import { mixOf, type Target } from "./target.ts";

const EAGAIN = 11;
const SECONDS = 0, OFFSET = 16, PULSE = 24, LEAP = 28, MAGIC_AT = 36, MAGIC = 0x534f434b;

function sample(
  offset: number,
  pulse = false,
  leapIndicator: 0 | 1 | 2 | 3 = 0,
  ago = 0,
): Uint8Array {
  const bytes = new Uint8Array(SOCK_LENGTH);
  const time = BigInt(Math.round((NOW_SECONDS - ago) * 1e6)) * 1000n;
  encodeSockSample({ time, offset, pulse, leapIndicator }, bytes);
  return bytes;
}

const CORPUS: readonly Uint8Array[] = [
  ...[sample(0), sample(0.125, true), sample(-3.5, false, 1, 1), sample(1e-6, false, 2, 9)],
  ...[sample(1e9), sample(-1e9, true), sample(2 ** 31), sample(0.499_999, true, 1, 0.5)],
  ...[sample(-0.5, true, 2, 0.25), sample(0, false, 3), sample(0, false, 0, 11), sample(1e300)],
];

/** `SockClock`: whatever datagram somebody sends. */
export class SockTarget implements Target {
  readonly name = "sock";
  readonly corpus: readonly Uint8Array[] = CORPUS;
  passed = 0;
  #datagram: Uint8Array | undefined;
  readonly #calls = fakeCalls({
    socket: () => 5,
    bind: () => 0,
    chmod: () => 0,
    unlink: () => 0,
    close: () => 0,
    errno: () => EAGAIN,
    recv: (_: number, into: unknown, room: bigint) => {
      const datagram = this.#datagram;
      if (datagram === undefined) return -1;
      this.#datagram = undefined;
      const view = viewOf(into), length = Math.min(datagram.length, Number(room));
      for (let i = 0; i < length; i++) view.setUint8(i, datagram[i]!);
      return length;
    },
  });

  prefers(): boolean {
    return true;
  }

  /** The length and the magic number of a sample; now and then one of now. */
  shape(bytes: Uint8Array, _: number, chance: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, SOCK_LENGTH);
    if (chance & 1) view.setInt32(MAGIC_AT, MAGIC, true);
    if (chance & 2) view.setBigInt64(SECONDS, BigInt(NOW_SECONDS - 1), true);
    if (chance & 4) view.setInt32(LEAP, (chance >>> 8) & 3, true);
    if ((chance & 24) === 0) view.setFloat64(OFFSET, (chance >>> 8) / 2 ** 24 - 0.5, true);
  }

  check(buffer: Uint8Array, length: number): string | undefined {
    const knowsSecond = (mixOf(buffer, length) & 3) !== 0;
    const sink = new ReferenceSink(/^its sender has no time$/, knowsSecond), { samples } = sink;
    const clock = new SockClock({ ...SOON, path: "/x" }, { calls: this.#calls, system: sink.time });
    this.#datagram = buffer.slice(0, length);
    sink.run(clock, () => {});
    if (sink.fault !== undefined) return sink.fault;
    const { readings, rejected, reason } = clock.status();
    const outcomes = readings + Object.values(rejected).reduce((sum, count) => sum + count, 0);
    if (outcomes > 1) return `${outcomes} outcomes of one datagram`;
    if (reason !== "closed") return `not closed: ${reason}`;
    if (readings === 0) return samples.length > 0 ? "a sample without a reading" : undefined;
    this.passed++;
    const view = new DataView(buffer.buffer, buffer.byteOffset, SOCK_LENGTH);
    if (length !== SOCK_LENGTH || view.getInt32(MAGIC_AT, true) !== MAGIC) {
      return "no sample, but read";
    }
    const offset = view.getFloat64(OFFSET, true), got = offsetOf(samples[0]!);
    if (view.getInt32(PULSE, true) === 0) {
      return apart(got, offset) <= 1e-6 ? undefined : `${got} s, not ${offset} s`;
    }
    if (!knowsSecond) return "a pulse without a second";
    // The clock that knows the second is right: no more than half a second is added to it.
    if (Math.abs(got) > 0.5 + 1e-6) return `a pulse ${got} s off`;
    const fraction = (got + offset) % 1, whole = Math.abs(fraction - Math.round(fraction));
    return whole < 1e-6 + Math.abs(offset) * 1e-12
      ? undefined
      : `a pulse ${whole} s off its second`;
  }
}
