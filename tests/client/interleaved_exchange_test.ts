import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import {
  InterleavedExchange,
  type InterleavedRequest,
} from "../../src/client/interleaved_exchange.ts";
import { type Exchange, measure } from "../../src/client/measurement.ts";
import { NTPPacket } from "../../src/packet/packet.ts";
import { addSeconds } from "../../src/packet/timestamp.ts";
import { RandomStream } from "../../src/testing/random_stream.ts";

const START = 0xee00_0000_0000_0000n;
const random = (into: Uint8Array) => void crypto.getRandomValues(into);
const at = (seconds: number) => addSeconds(START, seconds);

/** A reply: left at 0 and arrived at 20 ms after `when`; departures are told as 4 ms early. */
function reply(
  request: InterleavedRequest,
  when: number,
  departed?: number,
  ahead = 0,
): Exchange {
  return {
    packet: new NTPPacket({
      mode: 4,
      stratum: 1,
      originTimestamp: departed === undefined ? 5n : request.receiveTimestamp,
      receiveTimestamp: at(when + 0.008 + ahead),
      transmitTimestamp: at(departed ?? when + 0.008 + ahead),
    }),
    requestTimestamp: at(when),
    destinationTimestamp: at(when + 0.02),
    authentication: "none",
  };
}

test("interleaved client: the first request is basic, the next goes on from its reply", () => {
  const client = new InterleavedExchange();
  const first = client.request(random);
  assertEquals([first.originTimestamp, first.receiveTimestamp], [0n, 0n]);
  const basic = reply(first, 0);
  const meant = client.interpret(first, basic);
  assertEquals([meant.exchange, meant.isNew], [basic, true]);
  client.accept(first, basic);
  const second = client.request(random);
  assertEquals(second.originTimestamp, basic.packet.receiveTimestamp);
  assert(second.receiveTimestamp !== 0n);
  assert(second.receiveTimestamp !== client.request(random).receiveTimestamp); // a number of its own
});

test("interleaved client: a reply completes the exchange before, each once", () => {
  const client = new InterleavedExchange();
  const first = client.request(random);
  client.accept(first, reply(first, 0));
  const second = client.request(random), secondReply = reply(second, 10, 0.012);
  const again = client.interpret(second, secondReply);
  assertEquals([again.isNew, again.contradiction], [false, undefined]); // measured in basic mode
  client.accept(second, secondReply);
  const third = client.request(random), thirdReply = reply(third, 20, 10.012);
  const { exchange, isNew, contradiction } = client.interpret(third, thirdReply);
  assertEquals([isNew, contradiction], [true, undefined]);
  const { delay, offset } = measure(exchange, -30);
  assert(Math.abs(delay - 0.016) < 1e-6 && Math.abs(offset) < 1e-6, `${delay} ${offset}`);
  client.accept(third, thirdReply);
  assertEquals(client.interpret(third, thirdReply).isNew, false);
});

test("interleaved client: a clock that is set between two exchanges is noticed", () => {
  for (const seconds of [-5, -0.1, 0.1, 5]) {
    const client = new InterleavedExchange();
    const first = client.request(random);
    client.accept(first, reply(first, 0));
    const second = client.request(random), set = reply(second, 10, 0.012, seconds);
    assert(client.interpret(second, set).contradiction !== undefined, `${seconds}`);
    client.refuse(second, set);
    assertEquals(client.request(random).previous, undefined); // basic
  }
});

test("interleaved client: after lost replies, a disturbance or faults it is basic again", () => {
  const client = new InterleavedExchange();
  const begin = () => {
    const request = client.request(random);
    client.accept(request, reply(request, 0));
  };
  begin();
  for (let i = 0; i < 4; i++) assert(client.request(random).previous !== undefined);
  assertEquals(client.request(random).previous, undefined);
  begin();
  client.forget();
  assertEquals(client.request(random).previous, undefined);
});

test("interleaved client: a server that talks nonsense in interleaved mode is asked in basic mode", () => {
  const client = new InterleavedExchange();
  for (let faults = 0; faults < 3; faults++) {
    assert(client.active);
    const basic = client.request(random);
    client.accept(basic, reply(basic, 100 * faults));
    const next = client.request(random);
    assert(next.previous !== undefined);
    client.refuse(next, reply(next, 100 * faults + 10, 1));
  }
  // It gets another chance after 64 requests: what went wrong may have been ours.
  for (let i = 0; i < 64; i++) {
    assertEquals(client.active, false);
    const basic = client.request(random);
    assertEquals(basic.previous, undefined);
    client.accept(basic, reply(basic, 1000 + i));
  }
  assert(client.active);
  assert(client.request(random).previous !== undefined);
});

test("interleaved client: whatever is lost, late, doubled or forgotten, measurements are right", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const stream = new RandomStream(seed), ahead = 0.25;
    const client = new InterleavedExchange();
    const draw = () => stream.uniform();
    let server = new Map<bigint, number>(); // when replies left, by receive timestamp
    const measured = new Set<bigint>();
    let interleaved = 0, basic = 0;
    let late: (() => void) | undefined;
    for (let round = 0; round < 200; round++) {
      if (draw() < 0.03) server = new Map(); // the server starts anew
      if (draw() < 0.03) client.forget(); // the client's clock was disturbed
      const sent = 16 * round, request = client.request(random);
      if (draw() < 0.1) continue; // the request is lost
      const there = sent + 0.004 + 0.01 * draw(), departed = there + 0.001;
      const known = server.get(request.originTimestamp);
      server.delete(request.originTimestamp);
      const receiveTimestamp = at(there + ahead);
      server.set(receiveTimestamp, departed);
      if (draw() < 0.1) continue; // the reply is lost
      const answer: Exchange = {
        packet: new NTPPacket({
          mode: 4,
          stratum: 1,
          originTimestamp: known === undefined ? 5n : request.receiveTimestamp,
          receiveTimestamp,
          transmitTimestamp: at((known ?? there) + ahead), // basic: the stamp is 1 ms early
        }),
        requestTimestamp: at(sent),
        destinationTimestamp: at(departed + 0.004 + 0.01 * draw()),
        authentication: "none",
      };
      const take = () => {
        const { contradiction, exchange, isNew } = client.interpret(request, answer);
        assertEquals(contradiction, undefined, `seed ${seed}, round ${round}`);
        client.accept(request, answer);
        if (!isNew) return;
        const { delay, offset } = measure(exchange, -30);
        assert(Math.abs(offset - ahead) <= delay / 2 + 1e-6, `${offset} ${delay}`);
        exchange === answer ? basic++ : interleaved++;
        assert(!measured.has(exchange.requestTimestamp), `seed ${seed}, round ${round}: again`);
        measured.add(exchange.requestTimestamp);
      };
      if (draw() < 0.1 && late === undefined) late = take; // overtaken by the next
      else {
        take();
        if (draw() < 0.1) {
          assertEquals(client.interpret(request, answer).isNew, known === undefined);
        }
        late?.();
        late = undefined;
      }
    }
    assert(interleaved > 20 && basic > 20, `${interleaved} ${basic}`);
  }
});
