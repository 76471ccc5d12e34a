// The model of bench:sync with a client that is a handful of functions: no packets, no sockets, no
// timers. For trying out a discipline by itself, some ten times as fast as over the network.

import { checkDelay, drawDelay } from "../../src/testing/delay.ts";
import { Oscillator } from "../../src/testing/oscillator.ts";
import { RandomStream } from "../../src/testing/random_stream.ts";
import { ClockErrors, type ClockErrorStatistics } from "../../src/testing/clock_errors.ts";
import type { Row, Way } from "./sync_rows.ts";

/** A client as functions. Times are seconds since the start; `raw` is by its undisciplined clock. */
export interface ModelClient {
  /** The time that its disciplined clock tells, given what the raw one tells. */
  time(raw: number): number;
  /** By which factor its disciplined clock runs faster than the raw one, given the raw time. */
  rate(raw: number): number;
  /**
   * When to send the next request to a server, as raw time: asked at the start, and after each
   * request to it was answered or given up.
   */
  nextRequest(server: number, raw: number): number;
  /** An answered request. `t1` and `t4` are raw, `t2` and `t3` are the server's time. */
  onExchange(server: number, t1: number, t2: number, t3: number, t4: number): void;
  /** A request that was not answered within a second (or more, on long ways). */
  onTimeout?(server: number, raw: number): void;
}

const REQUEST = 0, ANSWER = 1, TIMEOUT = 2;

/** What a server's client waits for. */
interface Pending {
  server: number;
  kind: number;
  at: number;
  t1: number;
  t2: number;
}

/**
 * Runs a client under the conditions of a row.
 *
 * @param row the conditions
 * @param seed of everything that is random
 * @param makeClient given the row
 */
export function runModel(
  row: Row,
  seed: number,
  makeClient: (row: Row) => ModelClient,
): ClockErrorStatistics {
  const random = new RandomStream(seed, row.id);
  const oscillator = new Oscillator(row.clock, random.fork("clock"));
  const client = makeClient(row);
  const errors = new ClockErrors({ capacity: row.seconds + 1 });
  const ways = row.servers.map((_, server) => ({
    outward: openWay(row.outward, random.fork(`outward ${server}`)),
    back: openWay(row.back, random.fork(`back ${server}`)),
  }));
  const raw = () => oscillator.time + oscillator.offset;
  /** True time at which the raw clock tells `time`. */
  const trueTimeOf = (time: number) =>
    oscillator.time + Math.max(0, time - raw()) / (1 + oscillator.frequencyError);
  const pending: Pending[] = row.servers.map((_, server) => ({
    server,
    kind: REQUEST,
    at: trueTimeOf(client.nextRequest(server, raw())),
    t1: 0,
    t2: 0,
  }));
  const step = (next: Pending): void => {
    oscillator.advanceTo(next.at);
    const { server } = next;
    if (next.kind === REQUEST) {
      next.t1 = raw();
      const outward = ways[server]!.outward(), back = ways[server]!.back();
      next.t2 = oscillator.time + outward + row.servers[server]!;
      const answered = outward + back < Infinity;
      next.kind = answered ? ANSWER : TIMEOUT;
      next.at = oscillator.time + (answered ? outward + back : 1);
      return;
    }
    if (next.kind === ANSWER) client.onExchange(server, next.t1, next.t2, next.t2, raw());
    else client.onTimeout?.(server, raw());
    next.kind = REQUEST;
    next.at = trueTimeOf(client.nextRequest(server, raw()));
  };
  for (let second = 0; second <= row.seconds; second++) {
    for (;;) {
      let next = pending[0]!;
      for (const one of pending) if (one.at < next.at) next = one;
      if (next.at > second) break;
      step(next);
    }
    oscillator.advanceTo(second);
    const now = raw();
    const frequency = (1 + oscillator.frequencyError) * client.rate(now) - 1;
    errors.add(second, client.time(now) - second, frequency);
  }
  return errors.statistics({ from: row.from });
}

function openWay({ delay, loss = 0 }: Way, random: RandomStream): () => number {
  const delays = checkDelay("delay", delay);
  const delayRandom = random.fork("delay"), lossRandom = random.fork("loss");
  return () => {
    const seconds = drawDelay(delays, delayRandom);
    return loss > 0 && lossRandom.chance(loss) ? Infinity : seconds;
  };
}
