import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { timestampDifference } from "../../src/packet/timestamp.ts";
import type { DeviceWorld } from "../../src/reference/device_clock.ts";
import { SockClock, type SockClockOptions } from "../../src/reference/sock_clock.ts";
import { decodeSockSample, encodeSockSample } from "../../src/reference/sock_message.ts";
import { SockPublisher, type SockPublisherOptions } from "../../src/reference/sock_publisher.ts";
import { fakeCalls, scene, ToldClock, viewOf } from "./scene.ts";

const EAGAIN = 11, EADDRINUSE = 98, ENXIO = 6, ECONNREFUSED = 111;
const path = "/run/x.sock";

/** The text that a pointer points to, from some byte on. */
function textAt(pointer: unknown, from = 0): string {
  const view = viewOf(pointer);
  let text = "";
  for (let i = from; view.getUint8(i) !== 0; i++) text += String.fromCharCode(view.getUint8(i));
  return text;
}

/** A machine with sockets of the file system. What is asked of it is noted. */
function machine(given: Record<string, unknown> = {}) {
  const world = scene(), asked: string[] = [], queue: Uint8Array[] = [];
  const calls = fakeCalls({
    socket: (family: number, type: number) => asked.push(`socket ${family} ${type}`) && 5,
    bind: (_: number, address: unknown, length: number) => {
      const family = viewOf(address).getUint16(0, true);
      return asked.push(`bind ${family} ${textAt(address, 2)} ${length}`) && 0;
    },
    chmod: (pointer: unknown, mode: number) =>
      asked.push(`chmod ${textAt(pointer)} ${mode.toString(8)}`) && 0,
    unlink: (pointer: unknown) => asked.push(`unlink ${textAt(pointer)}`) && 0,
    close: (descriptor: number) => asked.push(`close ${descriptor}`) && 0,
    recv: (_: number, into: unknown, room: bigint) => {
      const data = queue.shift();
      if (data === undefined) {
        calls.error = EAGAIN;
        return -1;
      }
      const length = Math.min(data.length, Number(room)), view = viewOf(into);
      for (let i = 0; i < length; i++) view.setUint8(i, data[i]!);
      return length;
    },
    ...given,
  });
  const device: DeviceWorld = { calls, system: world.system };
  const send = (offset: number, time: bigint, pulse = false, leapIndicator: 0 | 1 | 2 | 3 = 0) => {
    const bytes = new Uint8Array(40);
    encodeSockSample({ time, offset, pulse, leapIndicator }, bytes);
    queue.push(bytes);
  };
  return { ...world, calls, device, asked, queue, send };
}

/** Each second somebody sends a sample. */
function sender(world: ReturnType<typeof machine>, sends: () => void) {
  const each = () => {
    sends();
    world.time.after(1000, each);
  };
  world.time.after(700, each);
}

test("SockClock: samples set the clock, and the socket is made and removed", async () => {
  const world = machine(), { time, start, asked, system, unix, send } = world;
  system.error = 12;
  let leap: 0 | 1 = 0;
  sender(world, () => send(-12 + 0.0003, unix(12), false, leap));
  const clock = new SockClock({ path }, world.device), sync = await start({ inputs: [clock] });
  await time.run(120_000);
  assertAlmostEquals(timestampDifference(sync.clock.now(), time.now()), 0.0003, 1e-5);
  assertEquals([sync.clock.state().stratum, sync.clock.state().referenceId], [1, 0x534f434b]);
  assertEquals(sync.sources()[0]!.name, "SOCK(/run/x.sock)");
  leap = 1;
  await time.run(40_000);
  assertEquals(sync.clock.state().leapIndicator, 1);
  await sync.close();
  const length = 2 + path.length + 1;
  assertEquals(asked, [
    ...["socket 1 2", `bind 1 ${path} ${length}`, `chmod ${path} 600`],
    ...["close 5", `unlink ${path}`],
  ]);
});

test("SockClock: datagrams that are no samples are counted", async () => {
  const world = machine(), { time, start, queue, unix, send } = world;
  sender(world, () => send(0, unix()));
  const clock = new SockClock({ path }, world.device), sync = await start({ inputs: [clock] });
  queue.push(new Uint8Array(0), new Uint8Array(40), new Uint8Array(41), new Uint8Array(5000));
  send(1e300, unix());
  await time.run(100);
  assertEquals([clock.status().rejected, clock.status().locked], [{ malformed: 5 }, true]);
  send(0, unix(-60));
  send(0, unix(60));
  await time.run(100);
  assertEquals(clock.status().rejected, { malformed: 5, "not of now": 2 });
  await sync.close();
});

test("SockClock: a flood of datagrams holds nobody up for long", async () => {
  let received = 0;
  const world = machine({
    recv: () => {
      received++;
      return 3;
    },
  });
  const clock = new SockClock({ path }, world.device);
  const starting = world.begin({ inputs: [clock], timeoutMs: 100 });
  starting.catch(() => {});
  await world.time.run(99);
  assert(received > 0 && received <= 128, `${received}`);
  await world.time.run(1);
  await assertRejects(() => starting);
});

test("SockClock: a sender without a time", async () => {
  const world = machine(), { time, start, send, unix } = world;
  let leap: 0 | 3 = 0;
  sender(world, () => send(0, unix(), false, leap));
  const clock = new SockClock({ path }, world.device), sync = await start({ inputs: [clock] });
  leap = 3;
  await time.run(1100);
  assertEquals(clock.status().reason, "its sender has no time");
  leap = 0;
  await time.run(1100);
  assertEquals(clock.status().locked, true);
  await sync.close();
});

test("SockClock: pulses wait for a clock that knows the second, then are the better one", async () => {
  const world = machine(), { time, start, system, unix, send } = world;
  system.error = 0.25;
  const coarse = machine(), says = { on: true };
  // The other one is 80 ms off, which does not matter to a pulse.
  const second = { ...coarse, send: coarse.send };
  const other = new SockClock({ path: "/run/y.sock", maxError: 0.1 }, {
    calls: coarse.calls,
    system: time,
  });
  sender(world, () => {
    if (says.on) second.send(0.08, unix());
  });
  // As chronyd takes it: what the system's clock shows behind the second at the pulse.
  const pulse = () => send(0.25, unix(0.25), true);
  const pulses = () => {
    pulse();
    time.after(1000, pulses);
  };
  pulses();
  const clock = new SockClock({ path, prefer: true, maxError: 1e-5 }, world.device);
  const sync = await start({ inputs: [other, clock] });
  await time.run(300_000);
  assertAlmostEquals(timestampDifference(sync.clock.now(), time.now()), 0, 1e-5);
  says.on = false; // pulses alone go on
  await time.run(300_000);
  assertAlmostEquals(timestampDifference(sync.clock.now(), time.now()), 0, 1e-5);
  await sync.close();
});

test("SockClock: a clock that is right to within half a second only tells no second", async () => {
  for (const [maxError, counts] of [[0.45, false], [0.3, true]] as const) {
    const world = machine(), { time, start, unix, send } = world;
    sender(world, () => send(0, unix(-0.7), true)); // at the second
    const clock = new SockClock({ path }, world.device);
    const sync = await start({ inputs: [new ToldClock({ maxError }), clock] });
    await time.run(5000);
    assertEquals(clock.status().readings > 0, counts);
    await sync.close();
  }
});

test("SockClock: pulses alone tell no second", async () => {
  const world = machine(), { time, begin, send, unix } = world;
  sender(world, () => send(0, unix(0.3), true));
  const clock = new SockClock({ path }, world.device);
  const starting = begin({ inputs: [clock], timeoutMs: 5000 });
  starting.catch(() => {});
  await time.run(4000);
  assertEquals(clock.status().locked, false);
  assert(clock.status().rejected["second unknown"]! >= 3);
  await time.run(2000);
  await assertRejects(() => starting);
});

test("SockClock: a socket that is left over is replaced, one that is heard or a file is not", async () => {
  const cases = [
    { opens: -ENXIO, connects: -ECONNREFUSED, replaced: true },
    { opens: -ENXIO, connects: 0, replaced: false }, // somebody listens
    { opens: 9, connects: 0, replaced: false }, // a file
    { opens: -2, connects: 0, replaced: false }, // not to be opened: a symbolic link
  ];
  for (const { opens, connects, replaced } of cases) {
    const answer = (value: number) => {
      if (value < 0) world.calls.error = -value;
      return value < 0 ? -1 : value;
    };
    const world = machine({
      bind: () => world.asked.includes(`unlink ${path}`) ? 0 : answer(-EADDRINUSE),
      open: () => answer(opens),
      connect: () => answer(connects),
    });
    const clock = new SockClock({ path }, world.device);
    const starting = world.begin({ inputs: [clock], timeoutMs: 500 });
    starting.catch(() => {});
    await world.time.run(400);
    assertEquals(world.asked.includes(`unlink ${path}`), replaced);
    if (!replaced) assert(clock.status().reason.includes("in use"), clock.status().reason);
    await world.time.run(200);
    await assertRejects(() => starting);
    const count = (word: string) => world.asked.filter((text) => text.startsWith(word)).length;
    assertEquals(count("close"), count("socket") + (opens > 0 ? 1 : 0), "descriptors are closed");
  }
});

test("SockClock: a socket that fails is told of and made again", async () => {
  let broken = false;
  const world = machine(), { time, send, unix } = world;
  const { recv } = world.calls;
  Object.assign(world.device, {
    calls: new Proxy(world.calls, {
      get: (target, name) =>
        name !== "recv" ? Reflect.get(target, name) : (...args: Parameters<typeof recv>) => {
          if (!broken) return recv(...args);
          world.calls.error = 9;
          return -1;
        },
    }),
  });
  sender(world, () => send(0, unix()));
  const clock = new SockClock({ path }, world.device);
  const sync = await world.start({ inputs: [clock] });
  broken = true;
  await time.run(1000);
  assertEquals(clock.status().reason, `${path}: error 9`);
  broken = false;
  await time.run(3000);
  assertEquals(clock.status().locked, true);
  await sync.close();
});

test("SockClock: a socket whose name was removed is made again", async () => {
  const there = { is: true, heard: true };
  const world = machine({
    bind: () => (there.is = true, world.asked.push("bind"), 0),
    open: () => (world.calls.error = there.is ? ENXIO : 2, -1),
  });
  const { time, asked, send, unix } = world;
  sender(world, () => {
    if (there.is && there.heard) send(0, unix());
  });
  const clock = new SockClock({ path }, world.device),
    sync = await world.start({ inputs: [clock] });
  const binds = () => asked.filter((what) => what === "bind").length;
  there.heard = false; // silent, but still there
  await time.run(60_000);
  assertEquals([binds(), clock.status().locked], [1, false]);
  there.heard = true;
  await time.run(2000);
  there.is = false;
  await time.run(14_000);
  assertEquals([binds(), clock.status().locked], [2, true]);
  await sync.close();
});

test("SockClock and SockPublisher: wrong options", async () => {
  const { device, time } = machine();
  for (const path of ["", "x".repeat(108), "é".repeat(54), "a\0b"]) {
    assertThrows(() => new SockClock({ path }), RangeError);
    await assertRejects(() => SockPublisher.start({ clock: time, path }, device), RangeError);
  }
  assertThrows(() => new SockClock({} as SockClockOptions), TypeError);
  const none = { clock: time } as unknown as SockPublisherOptions;
  await assertRejects(() => SockPublisher.start(none, device), TypeError);
  new SockClock({ path: "x".repeat(107) });
});

test("SockPublisher: samples are sent to the socket by its path", async () => {
  const sent: string[] = [], samples: ReturnType<typeof decodeSockSample>[] = [];
  const world = machine({
    sendto: (
      descriptor: number,
      data: unknown,
      length: bigint,
      flags: number,
      address: unknown,
      room: number,
    ) => {
      const view = viewOf(data);
      samples.push(decodeSockSample(new Uint8Array(view.buffer, view.byteOffset, 40)));
      sent.push(`${descriptor} ${length} ${flags} ${textAt(address, 2)} ${room}`);
      return 40;
    },
  });
  const { device, time, system, unix, asked } = world;
  system.error = 1.5;
  const publisher = await SockPublisher.start({ clock: time, path, timers: time }, device);
  await time.run(1000);
  assertEquals(sent, Array(2).fill(`5 40 64 ${path} ${3 + path.length}`));
  assertEquals(samples[1], { time: unix(1.5), offset: -1.5, pulse: false, leapIndicator: 0 });
  await publisher.close();
  await publisher.close();
  await time.run(5000);
  assertEquals([publisher.published, sent.length], [2, 2]);
  assertEquals(asked.at(-1), "close 5");
});

test("SockPublisher: chronyd need not be there, and may come back", async () => {
  let there = false;
  const world = machine({ sendto: () => there ? 40 : -1 }), { device, time, calls } = world;
  const errors: string[] = [];
  const onError = (error: Error) => errors.push(error.message);
  calls.error = ECONNREFUSED;
  const options = { clock: time, path, timers: time, onError };
  const publisher = await SockPublisher.start(options, device);
  await time.run(5000);
  assertEquals(errors, [`${path}: nobody listens there`]);
  there = true;
  await time.run(2000);
  assertEquals(publisher.published, 2);
  there = false;
  calls.error = 2;
  await time.run(2000);
  assertEquals(errors.slice(1), [`${path}: there is none`]);
  await publisher.close();
});

test("SockPublisher: closed by who is told of an error", async () => {
  const { device, time, calls } = machine({ sendto: () => -1 });
  calls.error = 2;
  let told = 0;
  let synchronized = false;
  const clock = {
    precision: -20,
    now: () => time.now(),
    read: (into: Uint32Array) => time.read(into),
    state: () => ({ ...time.state(), synchronized }),
  };
  const onError = () => {
    told++;
    void publisher.close();
  };
  const publisher = await SockPublisher.start({ clock, path, timers: time, onError }, device);
  synchronized = true;
  await time.run(5000);
  assertEquals([told, time.pending], [1, 0]);
});

test("SockClock: no socket, no clock", async () => {
  const { begin, time, device, calls } = machine({ socket: () => -1 });
  calls.error = 24;
  const clock = new SockClock({ path }, device),
    starting = begin({ inputs: [clock], timeoutMs: 500 });
  starting.catch(() => {});
  await time.run(400);
  assertEquals(clock.status().reason, "socket: error 24");
  await time.run(200);
  await assertRejects(() => starting);
});

test("SockPublisher: no socket, no publisher", async () => {
  const { device, time, calls } = machine({ socket: () => -1 });
  calls.error = 24;
  await assertRejects(() => SockPublisher.start({ clock: time, path }, device), Error, "socket");
});
