// Shared memory, sockets and terminals of the system that the tests run on, where foreign functions are.
import { test } from "node:test";
import { execFile } from "node:child_process";
import { lstat, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import type { Clock } from "../../src/clock/clock.ts";
import { SystemClock } from "../../src/clock/system_clock.ts";
import { NTPError } from "../../src/packet/error.ts";
import { addSeconds, timestampDifference, timestampToDate } from "../../src/packet/timestamp.ts";
import { type DeviceCalls, openDeviceCalls } from "../../src/reference/device_calls.ts";
import { NmeaClock } from "../../src/reference/nmea_clock.ts";
import { PhcClock } from "../../src/reference/phc_clock.ts";
import { PpsClock } from "../../src/reference/pps_clock.ts";
import type { ReferenceClock } from "../../src/reference/reference_clock.ts";
import { setSerialSpeed } from "../../src/reference/serial_line.ts";
import { ShmClock } from "../../src/reference/shm_clock.ts";
import { SHM_KEY, SHM_SIZE } from "../../src/reference/shm_layout.ts";
import { ShmPublisher } from "../../src/reference/shm_publisher.ts";
import { SockClock } from "../../src/reference/sock_clock.ts";
import { SockPublisher } from "../../src/reference/sock_publisher.ts";
import { NTPSync } from "../../src/sync/ntp_sync.ts";
import { cString } from "../../src/transport/native/ffi/ffi.ts";
import { loadFfi } from "../../src/transport/native/ffi/load_ffi.ts";
import { LIBC_NAMES } from "../../src/transport/native/ffi/names.ts";
import { currentRuntime } from "../../src/transport/runtime.ts";
import { sentenceAt } from "./sentences.ts";

const { ffi, reason } = await loadFfi();
const skip: string | false = process.platform !== "linux" ? "runs on Linux only" : reason ?? false;
/** Runtimes are tested side by side: each has units of its own. */
const UNIT = 200 + 10 * ["deno", "bun", "node"].indexOf(currentRuntime() ?? "");
const IPC_CREAT = 0o1000, O_RDWR = 2, O_NOCTTY = 0o400;

/** The system's clock, `seconds` ahead. */
function ahead(seconds: number): Clock {
  const system = new SystemClock();
  return {
    precision: system.precision,
    now: () => addSeconds(system.now(), seconds),
    read: (into) => system.read(into),
    state: () => ({ ...system.state(), synchronized: true, leapIndicator: 0 }),
  };
}

/** What the clock says against the system's. */
const aheadOfSystem = (sync: NTPSync) =>
  timestampDifference(sync.clock.now(), new SystemClock().now());

/** Removes a segment, whether there is one or not. */
async function removeSegment(unit: number): Promise<void> {
  const run = promisify(execFile);
  await run("ipcrm", ["-M", `0x${(SHM_KEY + unit).toString(16)}`]).catch(() => {});
}

/** A folder that is removed afterwards. */
async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "ntps-"));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Why a clock cannot be read: what it says first. */
async function reasonOf(clock: ReferenceClock): Promise<string> {
  const stop = new AbortController();
  const starting = NTPSync.start({ inputs: [clock], signal: stop.signal });
  const failed = assertRejects(() => starting, NTPError);
  let { reason } = clock.status();
  while (/^(not started|nothing heard yet)$/.test(reason)) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    reason = clock.status().reason;
  }
  stop.abort();
  await failed;
  return reason;
}

test("real shared memory: from a publisher to a clock", { skip }, async () => {
  await removeSegment(UNIT);
  const publisher = await ShmPublisher.start({ clock: ahead(1.5), unit: UNIT, intervalMs: 20 });
  const sync = await NTPSync.start({ inputs: [new ShmClock({ unit: UNIT, intervalMs: 5 })] });
  try {
    assertAlmostEquals(aheadOfSystem(sync), 1.5, 0.1);
    const segments = await readFile("/proc/sysvipc/shm", "utf8");
    const row = segments.split("\n").map((line) => line.trim().split(/\s+/))
      .find(([key]) => Number(key) === SHM_KEY + UNIT);
    assertEquals([row?.[2], row?.[3], row?.[6]], ["666", String(SHM_SIZE), "2"]);
  } finally {
    await sync.close();
    await publisher.close();
    await removeSegment(UNIT);
  }
});

test("real shared memory: a segment of another size", { skip }, async () => {
  const unit = UNIT + 1, calls = await openDeviceCalls();
  await removeSegment(unit);
  assert(calls.shmget(SHM_KEY + unit, 48n, IPC_CREAT | 0o600) >= 0);
  try {
    const options = { clock: ahead(0), unit };
    const error = await assertRejects(
      () => ShmPublisher.start(options),
      NTPError,
      "ipcrm -M 0x4e5",
    );
    assertEquals(error.code, "system");
  } finally {
    await removeSegment(unit);
  }
});

test(
  "real sockets: from a publisher to a clock, and no trace afterwards",
  { skip },
  () =>
    inFolder(async (folder) => {
      const path = join(folder, "é.sock"), errors: string[] = [];
      const onError = (error: Error) => errors.push(error.message);
      const options = { clock: ahead(-0.75), path, intervalMs: 20, onError };
      const publisher = await SockPublisher.start(options);
      const sync = await NTPSync.start({ inputs: [new SockClock({ path, intervalMs: 5 })] });
      try {
        assertAlmostEquals(aheadOfSystem(sync), -0.75, 0.1);
        const { mode } = await lstat(path);
        assertEquals([(mode & 0o170000).toString(8), (mode & 0o777).toString(8)], [
          "140000",
          "600",
        ]);
        const second = new SockClock({ path });
        assertEquals(
          await reasonOf(second),
          `${path}: in use by somebody else, or by a file: remove it`,
        );
      } finally {
        await sync.close();
        await publisher.close();
      }
      await assertRejects(() => lstat(path));
      assertEquals(errors, [`${path}: there is none`]);
    }),
);

test(
  "real sockets: one that is left over is replaced, files and links are not",
  { skip },
  () =>
    inFolder(async (folder) => {
      const [left, file, link] = ["left", "file", "link"].map((name) => join(folder, name));
      const calls = await openDeviceCalls(), descriptor = calls.socket(1, 2, 0);
      const address = new Uint8Array(2 + left!.length + 1);
      address[0] = 1;
      address.set(cString(left!), 2);
      assertEquals(calls.bind(descriptor, calls.pointer(address.buffer), address.length), 0);
      calls.close(descriptor);
      const publisher = await SockPublisher.start({ clock: ahead(0), path: left!, intervalMs: 20 });
      const clock = new SockClock({ path: left!, intervalMs: 5 });
      await (await NTPSync.start({ inputs: [clock] })).close();
      await publisher.close();

      await writeFile(file!, "precious");
      assert((await reasonOf(new SockClock({ path: file! }))).includes("in use"));
      assertEquals(await readFile(file!, "utf8"), "precious");
      await symlink(file!, link!);
      assert((await reasonOf(new SockClock({ path: link! }))).includes("in use"));
      assertEquals((await lstat(link!)).isSymbolicLink(), true);
      const none = join(folder, "no", "such", "folder");
      assert((await reasonOf(new SockClock({ path: none }))).includes("there is none"));
    }),
);

test("real devices: what is no pulse and no clock is told", { skip }, async () => {
  const path = "/dev/null";
  assertEquals(
    await reasonOf(new PpsClock({ path })),
    "/dev/null: it is not a device of this kind",
  );
  assertEquals(
    await reasonOf(new PhcClock({ path })),
    "/dev/null: it cannot do that",
  );
  const none = "/dev/there-is-no-such-device";
  assertEquals(
    await reasonOf(new PpsClock({ path: none })),
    `${none}: there is none`,
  );
  assertEquals(
    await reasonOf(new PhcClock({ path: none })),
    `${none}: there is none`,
  );
  await assertRejects(() => setSerialSpeed(none, 9600), NTPError, "there is none");
  await assertRejects(() => setSerialSpeed(path, 9600), NTPError, "not a device of this kind");
});

/** A terminal of the system: who holds its master is what hangs on the line. */
async function openTerminal() {
  const calls: DeviceCalls = await openDeviceCalls(), path = cString("/dev/ptmx");
  const master = calls.open(calls.pointer(path.buffer), O_RDWR | O_NOCTTY);
  const number = new Int32Array(16);
  // TIOCSPTLCK 0, TIOCGPTN
  if (master < 0 || calls.ioctl(master, 0x40045431n, calls.pointer(number.buffer)) < 0) return;
  if (calls.ioctl(master, 0x80045430n, calls.pointer(number.buffer)) < 0) return;
  const { write } = ffi!.open(LIBC_NAMES, {
    write: { parameters: ["i32", "pointer", "usize"], result: "i32" },
  }).symbols;
  const send = (text: string) => {
    const bytes = new TextEncoder().encode(text);
    assertEquals(write(master, ffi!.pointer(bytes.buffer), BigInt(bytes.length)), bytes.length);
  };
  return { path: `/dev/pts/${number[0]}`, send, calls, master };
}

test("real terminals: a receiver on a serial line, its settings, and that it is unplugged", {
  skip,
}, async (context) => {
  const terminal = await openTerminal();
  if (terminal === undefined) return context.skip("no terminals here");
  const { path, send, calls, master } = terminal;
  const clock = new NmeaClock({ path, baudRate: 38400 });
  let second = 0;
  const timer = setInterval(
    () => send(sentenceAt(new Date(Date.UTC(2031, 4, 6, 7, 8, second++ % 60)))),
    20,
  );
  const sync = await NTPSync.start({ inputs: [clock] });
  try {
    assertEquals(timestampToDate(sync.clock.now()).getUTCFullYear(), 2031);
    const settings = new DataView(new ArrayBuffer(64));
    assertEquals(calls.ioctl(master, 0x5401n, calls.pointer(settings.buffer)), 0);
    const [input, output, control, local] = [0, 4, 8, 12].map((at) => settings.getUint32(at, true));
    assertEquals([input, output, local], [0, 0, 0]);
    // CS8, CREAD and CLOCAL, and the code of the speed.
    assertEquals((control! & 0o17777).toString(8), "4277");
    assertEquals([settings.getUint8(17 + 5), settings.getUint8(17 + 6)], [0, 1]);
    clearInterval(timer);
    calls.close(master);
    while (clock.status().locked) await new Promise((resolve) => setTimeout(resolve, 10));
    assert(clock.status().reason.startsWith(`${path}: `), clock.status().reason);
  } finally {
    clearInterval(timer);
    await sync.close();
  }
});
