import { test } from "node:test";
import { assert, assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import { SendQueue } from "../../src/transport/send_queue.ts";

test("SendQueue: holds copies, up to its limit", () => {
  const queue = new SendQueue(() => {}, 2);
  const data = Uint8Array.of(1, 2, 3);
  const first = queue.take(data, "192.0.2.1", 123)!;
  data.fill(0);
  assertEquals([...first.view], [1, 2, 3]);
  assertEquals([first.hostname, first.port, first.tries], ["192.0.2.1", 123, 1]);
  const second = queue.take(data, "192.0.2.1", 123)!;
  assertNotStrictEquals(second, first);
  assertEquals(queue.take(data, "192.0.2.1", 123), undefined);
  queue.release(first);
  assertStrictEquals(queue.take(data, "192.0.2.2", 124), first);
  assertEquals([first.hostname, first.port], ["192.0.2.2", 124]);
});

test("SendQueue: any length, and the same view for the same length", () => {
  const queue = new SendQueue(() => {}, 1);
  let view: Uint8Array | undefined;
  for (const length of [48, 48, 0, 1000, 3, 65507, 48]) {
    const data = new Uint8Array(length).fill(length);
    const send = queue.take(data, "::1", 1)!;
    assertEquals(send.view, data);
    if (view?.length === length) assertStrictEquals(send.view, view);
    view = send.view;
    queue.release(send);
  }
});

test("SendQueue: long datagrams are not kept", () => {
  const queue = new SendQueue(() => {}, 1);
  const long = queue.take(new Uint8Array(65507), "::1", 1)!;
  queue.release(long);
  assertNotStrictEquals(queue.take(new Uint8Array(1), "::1", 1), long);
});

test("SendQueue: both ends of a send name it", () => {
  const ends: [unknown, unknown][] = [];
  const queue = new SendQueue((send, error) => void ends.push([send, error]), 2);
  const send = queue.take(new Uint8Array(1), "::1", 1)!;
  const error = new Error("of the runtime");
  send.settled(null); // as Node says that all is well
  send.settled(error);
  send.done();
  assertEquals(ends.map(([one]) => one === send), [true, true, true]);
  assertEquals(ends.map(([, one]) => one), [undefined, error, undefined]);
});

test("SendQueue: draining waits for the last", async () => {
  const queue = new SendQueue(() => {}, 2);
  await queue.drain();
  const sends = [1, 2].map((byte) => queue.take(Uint8Array.of(byte), "::1", 1)!);
  assert(!queue.drained);
  let drained = false;
  const draining = queue.drain().then(() => drained = true);
  queue.release(sends[0]!);
  await Promise.resolve();
  assertEquals(drained, false);
  queue.release(sends[1]!);
  await draining;
  assert(queue.drained);
});

test("SendQueue: draining gives up in the end", async () => {
  const queue = new SendQueue(() => {}, 1, 1);
  queue.take(new Uint8Array(1), "::1", 1);
  await queue.drain();
  assert(!queue.drained);
});
