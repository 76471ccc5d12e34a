import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { PollProcess } from "../../src/association/poll_process.ts";

test("the reach register holds the last eight polls", () => {
  const poll = new PollProcess();
  for (let i = 0; i < 8; i++) {
    poll.begin();
    poll.answered(6);
  }
  assertEquals(poll.reach, 0o377);
  poll.begin();
  assertEquals(poll.reach, 0o376);
  for (let i = 0; i < 7; i++) poll.begin();
  assertEquals(poll.reach, 0);
});

test("the interval is the shorter of both, within our bounds", () => {
  const poll = new PollProcess({ minPoll: 4, maxPoll: 8 });
  poll.setHostPoll(7);
  for (const [peerPoll, seconds] of [[2, 16], [4, 16], [6, 64], [7, 128], [10, 128]]) {
    poll.answered(peerPoll!);
    assertEquals(poll.interval, seconds);
  }
  poll.setHostPoll(12);
  poll.answered(17);
  assertEquals(poll.interval, 256);
});

test("who gets no answer asks less often, and as before when one comes", () => {
  const poll = new PollProcess({ minPoll: 4, maxPoll: 6 });
  poll.answered(10);
  const intervals = Array.from({ length: 40 }, () => (poll.begin(), poll.interval));
  assertEquals([intervals[0], intervals[39]], [16, 64]);
  poll.answered(10);
  assertEquals(poll.interval, 16);
});

test("a kiss-o'-death RATE slows down at once and for good", () => {
  const poll = new PollProcess({ minPoll: 4, maxPoll: 10 });
  poll.answered(4);
  poll.slowDown(0);
  assertEquals(poll.interval, 32);
  poll.setHostPoll(4);
  poll.answered(4);
  assertEquals(poll.interval, 32);
  poll.slowDown(8);
  assertEquals(poll.interval, 256);
});

test("a kiss-o'-death cannot silence us for longer than our longest poll asks for", () => {
  const poll = new PollProcess({ minPoll: 4, maxPoll: 10 });
  poll.slowDown(17);
  assertEquals(poll.interval, 1024);
});

test("wrong polls are refused", () => {
  assertThrows(() => new PollProcess({ minPoll: -1 }), RangeError, "minPoll");
  assertThrows(() => new PollProcess({ maxPoll: 18 }), RangeError, "maxPoll");
  assertThrows(() => new PollProcess({ minPoll: 8, maxPoll: 7 }), RangeError, "minPoll");
  assertThrows(() => new PollProcess({ minPoll: "6" as unknown as number }), TypeError, "minPoll");
  assertEquals(new PollProcess({ minPoll: 12 }).interval, 4096);
});
