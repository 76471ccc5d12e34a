import { ShmClock } from "../../src/reference/shm_clock.ts";
import { SHM_SIZE, ShmSegment } from "../../src/reference/shm_layout.ts";
import { fakeCalls } from "../reference/scene.ts";
import { apart, NOW_SECONDS, offsetOf, ReferenceSink, SOON } from "./reference_sink.ts";
import type { Target } from "./target.ts";

const MODE = 0, CLOCK_SECONDS = 8, CLOCK_MICROSECONDS = 16, RECEIVE_SECONDS = 24;
const RECEIVE_MICROSECONDS = 32, LEAP = 36, VALID = 48;
const BILLION = 1_000_000_000n;

/** A segment with one sample: the time is `ahead` nanoseconds, told `ago` nanoseconds ago. */
function segment(ahead: bigint, ago: bigint, leapIndicator: 0 | 1 | 2 | 3, mode = 1): Uint8Array {
  const bytes = new Uint8Array(SHM_SIZE);
  const receive = BigInt(NOW_SECONDS) * BILLION - ago;
  new ShmSegment(bytes.buffer).put({
    clock: receive + ahead,
    receive,
    leapIndicator,
    precision: -20,
  });
  bytes[MODE] = mode;
  return bytes;
}

const CORPUS: readonly Uint8Array[] = [
  segment(0n, 0n, 0),
  segment(1000n, 100_000_000n, 0, 0),
  segment(-5n * BILLION, 9n * BILLION, 1),
  segment(123_456_789n, 1n, 2),
  segment(-1n, 3n, 3),
  segment(2n ** 60n, 0n, 0),
  segment(-(2n ** 60n), 0n, 0, 0),
  segment(0n, -500_000n, 0),
  segment(0n, 11n * BILLION, 0),
  segment(500_000_000n, 500n, 1, 2),
  segment(-500_000_000n, 999_999n, 0),
  segment(86_400n * BILLION, 86_399n, 2, 0),
];

/** `ShmClock`: whatever lies in the segment that another program writes. */
export class ShmTarget implements Target {
  readonly name = "shm";
  readonly corpus: readonly Uint8Array[] = CORPUS;
  passed = 0;
  readonly #memory = new ArrayBuffer(SHM_SIZE);
  readonly #bytes = new Uint8Array(this.#memory);
  readonly #view = new DataView(this.#memory);
  readonly #calls = fakeCalls({
    shmget: () => 1,
    shmat: () => 4096,
    shmdt: () => 0,
    memory: () => this.#memory,
  });

  prefers(): boolean {
    return true;
  }

  /** A sample that may be one, of now. */
  shape(bytes: Uint8Array, _: number, chance: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, SHM_SIZE);
    if (chance & 1) view.setInt32(VALID, 1, true);
    if (chance & 2) view.setInt32(MODE, chance & 4 ? 1 : 0, true);
    if (chance & 8) view.setBigInt64(RECEIVE_SECONDS, BigInt(NOW_SECONDS - 1), true);
    if (chance & 16) view.setInt32(LEAP, (chance >>> 8) & 3, true);
  }

  check(buffer: Uint8Array, length: number): string | undefined {
    const sink = new ReferenceSink(/^its writer has no time$/), { time, samples } = sink;
    const clock = new ShmClock(SOON, { calls: this.#calls, system: time });
    this.#bytes.fill(0);
    let valid = 0;
    sink.run(clock, () => {
      // What it finds at first is not looked at: it may be old.
      this.#bytes.set(buffer.subarray(0, Math.min(length, SHM_SIZE)));
      valid = this.#view.getInt32(VALID, true);
      time.advance(100);
      if (valid !== 0 && this.#view.getInt32(VALID, true) !== 0) sink.fault ??= "it was not taken";
      time.advance(100);
    });
    if (sink.fault !== undefined) return sink.fault;
    const { readings, rejected } = clock.status();
    if (valid === 0 && (readings > 0 || Object.keys(rejected).length > 0)) {
      return "not valid, but read";
    }
    if (readings > 1) return `${readings} readings of one sample`;
    if (readings === 0) return samples.length > 0 ? "a sample without a reading" : undefined;
    this.passed++;
    for (const at of [CLOCK_MICROSECONDS, RECEIVE_MICROSECONDS]) {
      const micro = this.#view.getInt32(at, true);
      if (micro < 0 || micro > 999_999) return `${micro} microseconds`;
    }
    const seconds = (at: number, micro: number): bigint =>
      this.#view.getBigInt64(at, true) * 1_000_000n + BigInt(this.#view.getInt32(micro, true));
    const ahead = Number(
      seconds(CLOCK_SECONDS, CLOCK_MICROSECONDS) - seconds(RECEIVE_SECONDS, RECEIVE_MICROSECONDS),
    ) / 1e6;
    const got = offsetOf(samples[0]!);
    return apart(got, ahead) < 1e-4 + Math.abs(ahead) * 2 ** -40
      ? undefined
      : `${got} s, not ${ahead} s`;
  }
}
