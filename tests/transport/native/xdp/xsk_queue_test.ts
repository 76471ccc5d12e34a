import { test } from "node:test";
import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import { BATCH, XskQueue } from "../../../../src/transport/native/xdp/xsk_queue.ts";
import { FRAMES, RING_SIZE, XskSocket } from "../../../../src/transport/native/xdp/xsk_socket.ts";
import { FakeXdp, type Opened } from "./fake_xdp.ts";
import { makeFrame } from "./frames.ts";

const ECHO = { fromPort: 50123 };
const EINTR = 4, ENXIO = 6, EAGAIN = 11, EBUSY = 16, ENETDOWN = 100, ENOBUFS = 105;

/** A fake system whose queue answers everything with as many sevens. */
function answering(fake = new FakeXdp()) {
  const outcomes: unknown[] = [];
  const opened: Opened = fake.open((data) => {
    outcomes.push(opened.queue.reply(new Uint8Array(data.length).fill(7)));
  });
  return { fake, outcomes, ...opened };
}

test("AF_XDP queue: what arrives is answered, and all frames come back", () => {
  const { fake, queue, outcomes, told } = answering();
  assertEquals(fake.free, FRAMES);
  assertEquals(queue.receive(), 0);
  assertFalse(queue.isReady);
  for (let round = 0; round < 100; round++) {
    for (let i = 0; i < 50; i++) assert(fake.arrive(makeFrame({ fromPort: 1000 + i })));
    assert(queue.isReady);
    assertEquals(queue.receive(), 50);
    assertEquals(fake.free, FRAMES);
  }
  assertEquals(fake.sent.length, 5000);
  assert(outcomes.every((outcome) => outcome === "sent"));
  assertEquals([told.bad, told.errors.length], [0, 0]);
  const view = new DataView(fake.sent[4999]!.buffer);
  assertEquals([view.getUint16(34), view.getUint16(36)], [123, 1049]);
});

test("AF_XDP queue: counters of the rings wrap", () => {
  const fake = new FakeXdp();
  const first = fake.open(() => {});
  // 2^32 frames later, nearly.
  for (const ring of ["receive", "transmit", "fill", "completion"] as const) {
    const words = fake.ring(ring);
    const ahead = ring === "fill" ? FRAMES : 0;
    words[0] = 0x7fffffff - 2047 + ahead | 0;
    words[16] = 0x7fffffff - 2047;
  }
  const queue: XskQueue = new XskQueue(
    first.socket,
    fake.calls,
    first.clock,
    {
      onDatagram: (data) => void queue.reply(data),
      onBadFrame: () => assert(false),
      onError: (error) => {
        throw error;
      },
    },
    7,
    "eth0",
  );
  for (let i = 0; i < 5000; i++) {
    assert(fake.arrive(makeFrame(ECHO)), `${i}`);
    assertEquals(queue.receive(), 1);
  }
  assertEquals(fake.sent.length, 5000);
  assertEquals(fake.free, FRAMES);
});

test("AF_XDP queue: a batch has an end", () => {
  const { fake, queue } = answering();
  for (let i = 0; i < BATCH + 9; i++) fake.arrive(makeFrame(ECHO));
  assertEquals([queue.receive(), queue.receive(), queue.receive()], [BATCH, 9, 0]);
});

test("AF_XDP queue: what is not answered, or not right, is given back", () => {
  const fake = new FakeXdp();
  const seen: string[] = [];
  const { queue, told } = fake.open((data, source) => void seen.push(`${source} ${data.length}`));
  for (let i = 0; i < 3000; i++) {
    fake.arrive(makeFrame(i % 2 === 0 ? { checksum: "wrong" } : { data: new Uint8Array(i % 100) }));
    queue.receive();
  }
  assertEquals(told.bad, 1500);
  assertEquals(seen.length, 1500);
  assertEquals(seen[0], "192.0.2.9:50123 1");
  assertEquals(fake.free, FRAMES);
  assertEquals(fake.sent, []);
});

test("AF_XDP queue: one reply a frame, not longer than it, and only in time", () => {
  const fake = new FakeXdp();
  const outcomes: unknown[] = [];
  const { queue } = fake.open(() => {
    outcomes.push(queue.reply(new Uint8Array(49)), queue.reply(new Uint8Array(48)));
    outcomes.push(queue.reply(new Uint8Array(48)));
  });
  fake.arrive(makeFrame(ECHO));
  queue.receive();
  outcomes.push(queue.reply(new Uint8Array(48)));
  assertEquals(outcomes, [undefined, "sent", undefined, undefined]);
  assertEquals(fake.sent.length, 1);
});

test("AF_XDP queue: arrivals are what the program stamped, by the clock of the options", () => {
  const fake = new FakeXdp();
  const arrivals: number[][] = [];
  const { queue } = fake.open((_data, _source, arrival) => void arrivals.push([...arrival]));
  const now = 5000_000_000_000n;
  // None; a quarter of a second ago; half of one; from the future; too old; the last again.
  for (
    const stamp of [0n, now - 250_000_000n, now - 500_000_000n, now + 1n, now - 3_000_000_000n]
  ) {
    fake.arrive(makeFrame(ECHO), stamp);
  }
  queue.receive();
  const plain = [3_900_000_000, 0x40000000];
  assertEquals(arrivals, [plain, [3_900_000_000, 0], [3_899_999_999, 0xc0000000], plain, plain]);
});

test("AF_XDP queue: a clock that throws loses the batch and nothing else", () => {
  const fake = new FakeXdp();
  let delivered = 0, throws = true;
  const { queue, told, clock } = fake.open(() => void delivered++);
  clock.read = (into) => {
    if (throws) throw new Error("of the clock");
    into.fill(1);
  };
  for (let i = 0; i < 3; i++) fake.arrive(makeFrame(ECHO));
  assertEquals(queue.receive(), 3);
  assertEquals([delivered, told.errors.length, told.bad, fake.free], [0, 1, 0, FRAMES]);
  throws = false;
  fake.arrive(makeFrame(ECHO));
  queue.receive();
  assertEquals(delivered, 1);
});

test("AF_XDP queue: errors that pass are tried again", () => {
  for (const errno of [EINTR, EAGAIN, EBUSY, ENOBUFS]) {
    const { fake, queue, told } = answering();
    fake.faults["sendto"] = [errno, errno];
    fake.arrive(makeFrame(ECHO));
    queue.receive();
    assertEquals([fake.sent.length, told.errors.length], [1, 0], `errno ${errno}`);
  }
});

test("AF_XDP queue: a kernel that does not get on is left alone until the next batch", () => {
  const { fake, queue, told } = answering();
  fake.faults["sendto"] = Array(4).fill(ENOBUFS);
  fake.arrive(makeFrame(ECHO));
  queue.receive();
  assertEquals([fake.sent.length, told.errors.length], [0, 0]);
  fake.arrive(makeFrame(ECHO));
  queue.receive();
  assertEquals(fake.sent.length, 2);
  assertEquals(fake.free, FRAMES);
});

test("AF_XDP queue: a kernel that takes few frames at once gets them all", () => {
  const { fake, queue } = answering();
  fake.budget = 5;
  for (let i = 0; i < 64; i++) fake.arrive(makeFrame(ECHO));
  queue.receive();
  assertEquals(fake.sent.length, 64);
});

test("AF_XDP queue: errors that last are told, and ours to lose are only replies", () => {
  for (const errno of [ENETDOWN, ENXIO]) {
    const { fake, queue, told, outcomes } = answering();
    fake.faults["sendto"] = Array(5000).fill(errno);
    for (let i = 0; i < 3000; i++) {
      assert(fake.arrive(makeFrame(ECHO)), `no frame was left to receive into after ${i}`);
      queue.receive();
    }
    assertEquals(outcomes.filter((outcome) => outcome === "sent").length, RING_SIZE);
    assertEquals(outcomes.filter((outcome) => outcome === "full").length, 3000 - RING_SIZE);
    assert(told.errors.length > 0);
    fake.faults["sendto"] = [];
    assertEquals(queue.send(), 0);
    assertEquals(fake.sent.length, RING_SIZE);
    fake.arrive(makeFrame(ECHO));
    queue.receive(); // this one gives the frames of the others back
    fake.arrive(makeFrame(ECHO));
    queue.receive();
    assertEquals(fake.free, FRAMES);
  }
});

test("AF_XDP queue: a driver that is late leaves room to receive", () => {
  const { fake, queue, outcomes } = answering();
  fake.keepsSent = true;
  for (let i = 0; i < 3000; i++) {
    assert(fake.arrive(makeFrame(ECHO)), `${i}`);
    queue.receive();
  }
  assertEquals(outcomes.filter((outcome) => outcome === "sent").length, RING_SIZE);
  assertEquals(fake.free, FRAMES - RING_SIZE);
  fake.complete();
  fake.arrive(makeFrame(ECHO));
  queue.receive();
  fake.complete();
  fake.arrive(makeFrame({ checksum: "wrong" }));
  queue.receive();
  assertEquals(fake.free, FRAMES);
});

test("AF_XDP queue: a kernel that sleeps for want of frames is woken", () => {
  const { fake, queue } = answering();
  fake.arrive(makeFrame(ECHO));
  queue.receive();
  assertFalse(fake.log.includes("recvfrom"));
  fake.ring("fill")[32] = 1; // XDP_RING_NEED_WAKEUP
  fake.arrive(makeFrame(ECHO));
  queue.receive();
  assert(fake.log.includes("recvfrom"));
});

test("AF_XDP socket: whatever fails, everything is given back", () => {
  const whole = new FakeXdp();
  new XskSocket(whole.calls, 7, 0, false);
  const count = (fake: FakeXdp, name: string) =>
    fake.log.filter((line) => line.split(" ")[0] === name).length;
  for (const name of ["setsockopt", "getsockopt", "mmap", "bind"]) {
    for (let i = 0; i < count(whole, name); i++) {
      const fake = new FakeXdp();
      fake.faults[name] = [...Array(i).fill(0), 12];
      const open = () => new XskSocket(fake.calls, 7, 0, false);
      if (name === "setsockopt" && i === 5) {
        open(); // a transmit budget is only faster
        continue;
      }
      assertThrows(open, Error, "ENOMEM");
      assertEquals(count(fake, "close"), 1, `${name} ${i}`);
      const mapped = count(fake, "mmap") - (name === "mmap" ? 1 : 0);
      assertEquals(count(fake, "munmap"), mapped, `${name} ${i}`);
    }
  }
  const fake = new FakeXdp();
  fake.faults["socket"] = [1];
  assertThrows(() => new XskSocket(fake.calls, 7, 0, false), Error, "socket EPERM");
  assertEquals(count(fake, "close"), 0);
});

test("AF_XDP socket: what was lost is counted; closed twice, closed once", () => {
  const { fake, socket } = answering();
  assertEquals(socket.lost, 12);
  socket.close();
  socket.close();
  assertEquals(fake.log.filter((line) => line.startsWith("close")).length, 1);
  assertEquals(fake.log.filter((line) => line === "munmap").length, 4);
  assertEquals(socket.lost, 0);
});
