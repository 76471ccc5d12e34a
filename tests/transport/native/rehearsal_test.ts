import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { Endpoint } from "../../../src/transport/endpoint.ts";
import { BatchSocket } from "../../../src/transport/native/batch_socket.ts";
import { KernelClock } from "../../../src/transport/native/kernel_clock.ts";
import { Rehearsal } from "../../../src/transport/native/rehearsal.ts";
import type { SystemCalls } from "../../../src/transport/native/system_calls.ts";
import { skip, systemCalls } from "./system.ts";

/** The system's calls, which note what they were made for. */
async function notedCalls(replaced: Partial<SystemCalls> = {}) {
  const calls = await systemCalls(replaced);
  const noted = { opened: [] as number[], closed: [] as number[], sent: [] as number[] };
  return {
    noted,
    calls: {
      ...calls,
      socket: (family: number, type: number, protocol: number) => {
        const fd = calls.socket(family, type, protocol);
        noted.opened.push(fd);
        return fd;
      },
      close: (fd: number) => {
        noted.closed.push(fd);
        return calls.close(fd);
      },
      sendmmsg: (...args: Parameters<SystemCalls["sendmmsg"]>) => {
        noted.sent.push(args[0]);
        return calls.sendmmsg(...args);
      },
    } satisfies SystemCalls,
  };
}

test(
  "rehearsal: goes on however often, tells its time, and leaves no descriptor",
  { skip },
  async () => {
    const { calls, noted } = await notedCalls();
    const rehearsal = Rehearsal.open(calls)!;
    // More often than the socket could hold what comes.
    for (let i = 0; i < 2000; i++) {
      const nanoseconds = rehearsal.run();
      assert(nanoseconds > 0 && nanoseconds < 1e9, `${i}: ${nanoseconds}`);
    }
    rehearsal.close();
    rehearsal.close();
    assertEquals(noted.opened.length, 1);
    assertEquals(noted.closed, noted.opened);
    assertEquals(rehearsal.run(), 0);
  },
);

for (const call of ["bind", "getsockname", "connect"] as const) {
  test(`rehearsal: there is none where ${call} fails`, { skip }, async () => {
    const { calls, noted } = await notedCalls({ [call]: () => -1 });
    assertEquals(Rehearsal.open(calls), undefined);
    assertEquals(noted.closed, noted.opened);
    assertEquals(noted.opened.length, 1);
  });
}

test("rehearsal: one that fails is the last, and frees its socket", { skip }, async () => {
  for (const failing of ["sendmmsg", "recvmmsg"] as const) {
    const { calls, noted } = await notedCalls({ [failing]: () => -1 });
    const rehearsal = Rehearsal.open(calls)!;
    let done = 0;
    for (let i = 0; i < 100; i++) if (rehearsal.run() > 0) done++;
    assertEquals(done, failing === "sendmmsg" ? 0 : 32);
    assertEquals(noted.closed, noted.opened);
  }
});

test("rehearsal: only after a while, and only while datagrams are answered", { skip }, async () => {
  const { calls, noted } = await notedCalls();
  const clock = new KernelClock(calls);
  const socket = new BatchSocket(calls, {
    hostname: "127.0.0.1",
    port: 0,
    clock,
    isSystemTime: true,
  });
  const client = new BatchSocket(calls, {
    hostname: "127.0.0.1",
    port: 0,
    clock,
    isSystemTime: true,
  });
  const to = new Endpoint("127.0.0.1", socket.port);
  const rehearsed = () => noted.sent.filter((fd) => fd !== socket.fd && fd !== client.fd).length;
  const exchange = (isAnswered: boolean) => {
    // The wait is what the test is about: 200 us and more are a long time.
    for (const until = performance.now() + 2; performance.now() < until;);
    client.send(new Uint8Array(48), to);
    assertEquals(socket.receive(500), 1);
    const data = socket.take(0);
    if (isAnswered) socket.send(data, socket.source);
    socket.flush();
  };
  try {
    exchange(false);
    exchange(true);
    assertEquals(rehearsed(), 0);
    exchange(true);
    assertEquals(rehearsed(), socket.stamps === undefined ? 0 : 1);
    exchange(false);
    exchange(false);
    exchange(false);
    assertEquals(rehearsed(), socket.stamps === undefined ? 0 : 2);
  } finally {
    socket.close();
    client.close();
  }
  assertEquals([...noted.closed].sort(), [...noted.opened].sort());
});
