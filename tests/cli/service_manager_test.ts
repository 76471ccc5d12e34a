import { test } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { openServiceManager, tellServiceManager } from "../../src/cli/service_manager.ts";
import { NTPError } from "../../src/packet/error.ts";
import type { DeviceCalls } from "../../src/reference/device_calls.ts";
import { VirtualTime } from "../../src/testing/virtual_time.ts";
import { FakeWorld } from "./fake_world.ts";

/** The system's calls, and what was sent with them. */
function fakeCalls() {
  const sent: string[] = [], addresses: string[] = [];
  let open = 0;
  const buffers = new Map<unknown, ArrayBuffer>();
  const textAt = (pointer: unknown, from: number, length: number) =>
    new TextDecoder().decode(new Uint8Array(buffers.get(pointer)!).subarray(from, length));
  const calls = {
    pointer: (buffer: ArrayBuffer) => {
      buffers.set(buffer, buffer);
      return buffer;
    },
    errno: () => 13,
    socket: () => ++open,
    close: () => --open,
    sendto: (
      _descriptor: number,
      data: unknown,
      length: bigint,
      _flags: number,
      address: unknown,
      addressLength: number,
    ) => {
      sent.push(textAt(data, 0, Number(length)));
      addresses.push(textAt(address, 2, addressLength));
      return Number(length);
    },
  } as unknown as DeviceCalls;
  return { calls, sent, addresses, open: () => open };
}

test("service manager: ready, well twice in its time, and ending", async () => {
  const { calls, sent, addresses, open } = fakeCalls();
  const time = new VirtualTime();
  const environment = { socket: "/run/systemd/notify", watchdog: "30000000" };
  const manager = await openServiceManager(environment, () => Promise.resolve(calls));
  const stop = tellServiceManager(manager, time);
  await time.run(46_000);
  stop();
  await time.run(60_000);
  const well = "WATCHDOG=1";
  assertEquals(sent, ["READY=1", well, well, well, "STOPPING=1"]);
  assertEquals(new Set(addresses), new Set(["/run/systemd/notify\0"]));
  assertEquals(open(), 0);
});

test("service manager: abstract names, no watchdog, and nobody there", async () => {
  const { calls, sent, addresses } = fakeCalls();
  const time = new VirtualTime();
  const opened = () => Promise.resolve(calls);
  const manager = await openServiceManager({ socket: "@ntps", watchdog: undefined }, opened);
  const stop = tellServiceManager(manager, time);
  await time.run(600_000);
  stop();
  assertEquals([sent, addresses], [["READY=1", "STOPPING=1"], ["\0ntps", "\0ntps"]]);
  assertEquals(await openServiceManager({ socket: undefined, watchdog: "1" }, opened), undefined);
  assertEquals(await openServiceManager({ socket: "", watchdog: "1" }, opened), undefined);
  tellServiceManager(undefined, time)();
});

test("ntps serve: a service manager that cannot be told anything is an error, at once", async () => {
  const world = Object.assign(new FakeWorld(), {
    serviceManager: () =>
      openServiceManager(
        { socket: "/run/x", watchdog: undefined },
        () => Promise.reject(new NTPError("unsupported", "needs --allow-ffi")),
      ),
  });
  const { status, stderr } = await world.run("serve", "--address", "192.0.2.1");
  assertEquals([status, stderr], [1, "ntps serve: needs --allow-ffi\n"]);
  await assertRejects(
    () => openServiceManager({ socket: "x".repeat(200), watchdog: undefined }),
    RangeError,
  );
});
