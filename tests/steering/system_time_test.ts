import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { NTPError } from "../../src/packet/mod.ts";
import {
  type KernelCalls,
  maySetTime,
  openSystemTime,
  SystemTime,
} from "../../src/steering/mod.ts";

/** A kernel that keeps what it is given. */
class FakeKernel {
  readonly given: { modes: number; timex: DataView }[] = [];
  status = 0x40;
  frequency = 0n;
  tick = 10_000n;
  refusal = 0;
  readonly calls: KernelCalls;

  constructor() {
    const buffers: ArrayBuffer[] = [];
    this.calls = {
      pointer: (buffer) => (buffers.push(buffer as ArrayBuffer) - 1) as never,
      errno: () => this.refusal,
      clock_gettime: (clock, into) => {
        const view = new DataView(buffers[into as never as number]!);
        view.setBigInt64(0, BigInt(1_800_000_000 + clock), true);
        view.setBigInt64(8, 500_000_000n, true);
        return 0;
      },
      clock_adjtime: (clock, at) => {
        assertEquals(clock, 0);
        const buffer = buffers[at as never as number]!;
        assertEquals(buffer.byteLength, 208);
        const view = new DataView(buffer);
        const modes = view.getUint32(0, true);
        if (modes !== 0 && this.refusal !== 0) return -1;
        this.given.push({ modes, timex: new DataView(buffer.slice(0)) });
        if (modes === 0) {
          view.setInt32(40, this.status, true);
          view.setBigInt64(16, this.frequency, true);
          view.setBigInt64(24, 1500n, true);
          view.setBigInt64(88, this.tick, true);
        }
        return 5; // TIME_ERROR: not synchronised, which is no failure
      },
    };
  }
}

test("the state is read without any mode set", () => {
  const kernel = new FakeKernel();
  kernel.frequency = BigInt(12.5 * 65536);
  kernel.tick = 10_001n;
  const state = new SystemTime(kernel.calls, { readOnly: true }).state();
  assertEquals(kernel.given.map(({ modes }) => modes), [0]);
  assertAlmostEquals(state.frequency, 12.5e-6, 1e-15);
  assertAlmostEquals(state.tickFrequency, 1e-4, 1e-15);
  assertEquals([state.synchronized, state.kernelLoop, state.maxError], [false, false, 0.0015]);
  kernel.status = 1;
  const { synchronized, kernelLoop } = new SystemTime(kernel.calls).state();
  assertEquals([synchronized, kernelLoop], [true, true]);
});

test("clocks are read as they are", () => {
  const system = new SystemTime(new FakeKernel().calls);
  assertEquals(system.now() >> 32n, 1_800_000_000n + 2_208_988_800n);
  assertEquals(system.rawMs(), 1_800_000_004_500);
  assertEquals(system.bootMs(), 1_800_000_007_500);
});

test("what is to change is put where the kernel looks for it", () => {
  const kernel = new FakeKernel();
  const system = new SystemTime(kernel.calls);
  system.adjust({ frequency: -20e-6, maxError: 0.0012341, estimatedError: 1e-5, leapIndicator: 1 });
  const { modes, timex } = kernel.given[0]!;
  assertEquals(modes, 0x2 | 0x4 | 0x8 | 0x10);
  assertEquals(timex.getBigInt64(16, true), BigInt(-20 * 65536));
  assertEquals(timex.getBigInt64(24, true), 1235n);
  assertEquals(timex.getBigInt64(32, true), 10n);
  assertEquals(timex.getInt32(40, true), 0x10);
  for (const [leap, bits] of [[0, 0], [2, 0x20], [3, 0x40]] as const) {
    system.adjust({ leapIndicator: leap });
    assertEquals(kernel.given.at(-1)!.timex.getInt32(40, true), bits);
    assertEquals(kernel.given.at(-1)!.modes, 0x10);
  }
});

test("a step has whole seconds and nanoseconds that are not negative", () => {
  const cases = [[1.25, 1n, 250_000_000n], [-0.25, -1n, 750_000_000n], [-2, -2n, 0n]] as const;
  for (const [step, seconds, nanoseconds] of cases) {
    const kernel = new FakeKernel();
    new SystemTime(kernel.calls).adjust({ step });
    const { modes, timex } = kernel.given[0]!;
    assertEquals(modes, 0x100 | 0x2000);
    assertEquals(timex.getBigInt64(72, true), seconds);
    assertEquals(timex.getBigInt64(80, true), nanoseconds);
    assertEquals(kernel.given.length, 1);
  }
});

test("read only, nothing is ever changed", () => {
  const kernel = new FakeKernel();
  const system = new SystemTime(kernel.calls, { readOnly: true });
  assertThrows(() => system.adjust({ frequency: 0 }), NTPError, "read only");
  assertEquals(kernel.given, []);
});

test("refusals say what is missing", () => {
  const kernel = new FakeKernel();
  const system = new SystemTime(kernel.calls);
  kernel.refusal = 1;
  assertThrows(() => system.adjust({ frequency: 0 }), NTPError, "CAP_SYS_TIME");
  kernel.refusal = 22;
  assertThrows(() => system.adjust({ frequency: 0 }), NTPError, "error 22");
  assertThrows(() => system.adjust({ frequency: 0.001 }), RangeError, "frequency");
  assertThrows(() => system.adjust({ frequency: NaN }), RangeError, "frequency");
  assertThrows(() => system.adjust({ step: Infinity }), RangeError, "step");
  assertThrows(() => system.adjust({ maxError: NaN }), RangeError, "maxError");
});

test("capabilities are read from the status of the process", () => {
  assertEquals(maySetTime("Name:\tx\nCapEff:\t000001ffffffffff\n"), true);
  assertEquals(maySetTime("CapEff:\t0000000002000000\n"), true);
  assertEquals(maySetTime("CapEff:\t00000000a80425fb\nCapBnd:\t000001ffffffffff\n"), false);
  assertEquals(maySetTime("CapEff:\t0000000000000000\n"), false);
  assertEquals(maySetTime(""), undefined);
});

test("the machine's own clock, read only", async () => {
  let system: SystemTime;
  try {
    system = await openSystemTime({ readOnly: true });
  } catch (error) {
    assert(error instanceof NTPError && error.code === "unsupported", `${error}`);
    return;
  }
  const { frequency, tickFrequency, maxError } = system.state();
  assert(Math.abs(frequency) <= 500e-6 && Math.abs(tickFrequency) <= 0.1 && maxError >= 0);
  const unix = Number(system.now() >> 32n) - 2_208_988_800;
  assert(Math.abs(unix - Date.now() / 1000) < 10, `${unix}`);
  const before = system.rawMs();
  assert(system.rawMs() >= before && system.bootMs() > 0);
});
