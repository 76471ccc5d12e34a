import { test } from "node:test";
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { Endpoint } from "../../../src/transport/endpoint.ts";
import { BatchSocket } from "../../../src/transport/native/batch_socket.ts";
import { KernelClock } from "../../../src/transport/native/kernel_clock.ts";
import { Faults, skip, systemCalls } from "./system.ts";

const EINTR = 4, EAGAIN = 11, EINVAL = 22, EACCES = 13, ENOBUFS = 105, ECONNREFUSED = 111;
const WAIT_MS = 500;
/** So many at once are answered in chunks. */
const BATCH = 64;

/** Makes sockets, which are closed when the test ends. */
async function withSockets(
  body: (open: (options?: Options) => BatchSocket, faults: Faults) => void,
): Promise<void> {
  const faults = new Faults(await systemCalls());
  const clock = new KernelClock(faults.calls);
  const sockets: BatchSocket[] = [];
  try {
    body((options) => {
      const socket = new BatchSocket(faults.calls, {
        hostname: "127.0.0.1",
        port: 0,
        clock,
        isSystemTime: options?.clock === undefined,
        ...options,
      });
      sockets.push(socket);
      return socket;
    }, faults);
  } finally {
    for (const socket of sockets) socket.close();
  }
}

type Options = Partial<ConstructorParameters<typeof BatchSocket>[1]>;

/** Takes all that comes until it is so many; gives the bytes. */
function takeAll(
  socket: BatchSocket,
  count: number,
  each: (data: Uint8Array) => void = () => {},
): number[][] {
  const taken: number[][] = [];
  for (let tries = 0; taken.length < count && tries < count + 20; tries++) {
    const received = socket.receive(WAIT_MS);
    for (let i = 0; i < received; i++) {
      const data = socket.take(i);
      taken.push([...data]);
      each(data);
    }
    socket.flush();
  }
  return taken;
}

const at = (socket: BatchSocket, hostname = "127.0.0.1") => new Endpoint(hostname, socket.port);

test(
  "batch socket: waits for a datagram, and no longer than it is told",
  { skip },
  () =>
    withSockets((open) => {
      const socket = open();
      assertEquals(socket.receive(0), 0);
      const before = performance.now();
      assertEquals(socket.receive(20), 0);
      assertGreater(performance.now() - before, 10);
      assertEquals(socket.send(Uint8Array.of(7), at(socket)), "sent");
      assertEquals(takeAll(socket, 1), [[7]]);
      assertEquals(`${socket.source}`, `127.0.0.1:${socket.port}`);
    }),
);

test("batch socket: of any length, in any order of lengths", { skip }, () =>
  withSockets((open) => {
    const socket = open();
    let seed = 1;
    const lengths = Array.from({ length: 150 }, (_, i) => {
      seed = Math.imul(seed, 1103515245) + 12345 >>> 0;
      return i % 50 === 49 ? 65507 - i : (seed >>> 16) % 3000;
    });
    for (let from = 0; from < lengths.length; from += 30) {
      const some = lengths.slice(from, from + 30);
      some.forEach((length, i) => {
        const data = new Uint8Array(length).fill(i + 1);
        assertEquals(socket.send(data, at(socket)), "sent");
      });
      const taken = takeAll(socket, some.length);
      assertEquals(taken.map((data) => data.length), some);
      taken.forEach((data, i) => assert(data.every((byte) => byte === i + 1)));
    }
  }));

test(
  "batch socket: arrivals are the kernel's, on whatever clock",
  { skip },
  () =>
    withSockets((open, { calls }) => {
      const system = new KernelClock(calls);
      const ahead = 1000,
        clock = {
          read(into: Uint32Array) {
            system.read(into);
            into[0] = into[0]! + ahead;
          },
        };
      for (
        const [options, seconds] of [[{}, 0], [{ clock, isSystemTime: false }, ahead]] as const
      ) {
        const socket = open(options);
        const sent = new Uint32Array(2), taken = new Uint32Array(2);
        system.read(sent);
        socket.send(new Uint8Array(48), at(socket));
        const until = performance.now() + 30; // so that a stamp made when it is taken would show
        while (performance.now() < until);
        system.read(taken);
        takeAll(socket, 1);
        const since = (from: Uint32Array) =>
          (socket.arrival[0]! - seconds - from[0]!) + (socket.arrival[1]! - from[1]!) / 2 ** 32;
        assertGreater(since(sent), -0.001);
        assertLess(since(taken), -0.02);
      }
    }),
);

test("batch socket: without stamp the clock is read", { skip }, () =>
  withSockets((open) => {
    const clock = {
      read(into: Uint32Array) {
        into.set([5, 6]); // long before any stamp: the difference of clocks is kept all the same
      },
    };
    const socket = open({ clock, isSystemTime: false });
    socket.send(new Uint8Array(48), at(socket));
    takeAll(socket, 1);
    const seconds = socket.arrival[0]! + socket.arrival[1]! / 2 ** 32;
    assert(seconds > 4 && seconds <= 5.01, `${seconds}`);
  }));

test(
  "batch socket: a reply leaves from the address that was asked",
  { skip },
  () =>
    withSockets((open) => {
      for (const hostname of ["0.0.0.0", "::"]) {
        const server = open({ hostname });
        for (const address of ["127.0.0.2", "127.0.0.9"]) {
          const client = open();
          client.send(Uint8Array.of(1), at(server, address));
          takeAll(server, 1, () => void server.send(Uint8Array.of(2), server.source));
          assertEquals(takeAll(client, 1), [[2]]);
          assertEquals(`${client.source}`, `${address}:${server.port}`);
        }
      }
    }),
);

test(
  "batch socket: more replies to one request, and others in between",
  { skip },
  () =>
    withSockets((open) => {
      const server = open(), client = open(), other = open();
      for (let i = 0; i < 20; i++) client.send(Uint8Array.of(i), at(server));
      takeAll(server, 20, () => {
        server.send(Uint8Array.of(100), server.source);
        server.send(Uint8Array.of(101), at(other));
        server.send(new Uint8Array(3000).fill(102), server.source);
        server.send(Uint8Array.of(103), server.source);
      });
      assertEquals(takeAll(other, 20), Array.from({ length: 20 }, () => [101]));
      const replies = takeAll(client, 60).map((data) => data[0]);
      assertEquals(replies, Array.from({ length: 20 }, () => [100, 102, 103]).flat());
    }),
);

test(
  "batch socket: tells when what was asked for has left",
  { skip },
  () =>
    withSockets((open, { calls }) => {
      const server = open(), client = open();
      const { stamps } = client;
      if (stamps === undefined) return; // this kernel does not
      const told: number[] = [];
      const now = new Uint32Array(2);
      new KernelClock(calls).read(now);
      stamps.onStamp = (id, time) => {
        told.push(id);
        assertLess(Math.abs(time[0]! - now[0]!), 5);
      };
      const asked: number[] = [];
      for (let i = 0; i < 10; i++) {
        if (i % 2 === 0) asked.push(stamps.request());
        client.send(new Uint8Array(48), at(server));
      }
      client.receive(1);
      assertEquals(told, asked);
    }),
);

test(
  "batch socket: what has left is told by the clock of the user, also before anything has come",
  { skip },
  () =>
    withSockets((open, { calls }) => {
      const kernel = new KernelClock(calls);
      let ahead = 1000;
      const read = (into: Uint32Array) => {
        if (Number.isNaN(ahead)) throw new Error("a clock that fails");
        kernel.read(into);
        into[0]! += ahead;
      };
      const server = open(), client = open({ clock: { read } });
      const { stamps } = client;
      if (stamps === undefined) return; // this kernel does not
      const now = new Uint32Array(2);
      const told: number[] = [];
      stamps.onStamp = (_id, time) => {
        kernel.read(now);
        told.push(Math.round((time[0]! - now[0]!) / 10) * 10);
      };
      const send = () => {
        stamps.request();
        client.send(new Uint8Array(48), at(server));
        client.receive(1);
      };
      send();
      ahead = 2000; // somebody has set it
      send();
      ahead = NaN;
      send();
      ahead = 3000;
      send();
      assertEquals(told, [1000, 2000, 3000]);
    }),
);

test("batch socket: overload is counted", { skip }, () =>
  withSockets((open) => {
    const server = open(), client = open();
    for (let i = 0; i < 2000; i++) client.send(new Uint8Array(48), at(server));
    let received = 0;
    for (let count; (count = server.receive(0)) > 0; server.flush()) received += count;
    assertGreater(server.overflows, 0);
    assertEquals(received + server.overflows, 2000);
    const { overflows } = server;
    server.close();
    assertEquals(server.overflows, overflows);
  }));

test(
  "batch socket: a signal in the middle of a call costs nothing",
  { skip },
  () =>
    withSockets((open, { next }) => {
      const socket = open();
      next.sendmmsg.push(-EINTR, -EINTR);
      assertEquals(socket.send(Uint8Array.of(1), at(socket)), "sent");
      next.recvmmsg.push(-EINTR, -EAGAIN, -EINTR);
      assertEquals(takeAll(socket, 1), [[1]]);
    }),
);

test(
  "batch socket: a chunk that the system takes in pieces",
  { skip },
  () =>
    withSockets((open, { next }) => {
      const server = open(), client = open();
      for (let i = 0; i < BATCH; i++) client.send(Uint8Array.of(i), at(server));
      next.sendmmsg.push(3, 1, -EINTR, 2, 1);
      takeAll(server, BATCH, (data) => void server.send(data, server.source));
      assertEquals(
        takeAll(client, BATCH).map((data) => data[0]),
        Array.from({ length: BATCH }, (_, i) => i),
      );
    }),
);

test(
  "batch socket: the refusal of another's datagram costs this one nothing",
  { skip },
  () =>
    withSockets((open, { next }) => {
      const errors: number[] = [];
      const socket = open({ onReceiveError: (errno) => errors.push(errno) });
      next.sendmmsg.push(-ECONNREFUSED);
      assertEquals(socket.send(Uint8Array.of(1), at(socket)), "sent");
      next.recvmmsg.push(-ECONNREFUSED);
      assertEquals(takeAll(socket, 1), [[1]]);
      assertEquals(errors, [ECONNREFUSED, ECONNREFUSED]);
    }),
);

test(
  "batch socket: no room for a datagram, and another that is refused, cost no other",
  { skip },
  () =>
    withSockets((open, { next }) => {
      const failed: string[] = [];
      const onSendError = (errno: number, to: Endpoint) => void failed.push(`${errno} ${to}`);
      const server = open({ onSendError }), client = open();
      next.sendmmsg.push(-EAGAIN);
      assertEquals(server.send(Uint8Array.of(1), at(client)), "full");
      next.sendmmsg.push(-ENOBUFS);
      assertEquals(server.send(Uint8Array.of(1), at(client)), "full");
      next.sendmmsg.push(-EACCES);
      assertEquals(server.send(Uint8Array.of(1), at(client)), "failed");
      const peer = `127.0.0.1:${client.port}`;
      assertEquals(failed, [`${EACCES} ${peer}`]);

      for (let i = 0; i < BATCH; i++) client.send(Uint8Array.of(i), at(server));
      next.sendmmsg.push(2, -ENOBUFS, 1, -EACCES);
      takeAll(server, BATCH, (data) => void server.send(data, server.source));
      const arrived = Array.from({ length: BATCH }, (_, i) => i).filter((i) => i !== 2 && i !== 4);
      assertEquals(takeAll(client, BATCH - 2).map((data) => data[0]), arrived);
      assertEquals(failed.slice(1), [`${ENOBUFS} ${peer}`, `${EACCES} ${peer}`]);
      assertEquals(server.unsent, 2);
    }),
);

test(
  "batch socket: an address that nobody can send from is left out",
  { skip },
  () =>
    withSockets((open, { next }) => {
      const server = open({ hostname: "0.0.0.0" }), client = open();
      client.send(Uint8Array.of(1), at(server));
      next.sendmmsg.push(-EINVAL);
      takeAll(server, 1, () => void server.send(Uint8Array.of(2), server.source));
      assertEquals(takeAll(client, 1), [[2]]);
      next.sendmmsg.push(-EINVAL); // where nothing is left to leave out, it is an error
      assertEquals(client.send(Uint8Array.of(1), at(server)), "failed");
    }),
);

test("batch socket: closed it neither takes nor sends", { skip }, () =>
  withSockets((open) => {
    const socket = open();
    socket.close();
    socket.close();
    assertEquals(socket.receive(0), 0);
    assertEquals(socket.send(Uint8Array.of(1), at(socket)), "closed");
    socket.flush();
  }));
