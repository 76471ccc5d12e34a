import type { Clock } from "../../src/clock/clock.ts";
import { FunctionClock } from "../../src/clock/function_clock.ts";
import type { QueryOptions } from "../../src/client/options.ts";
import {
  addSeconds,
  NTPPacket,
  type NTPPacketFields,
  referenceIdFromText,
} from "../../src/packet/mod.ts";
import { VirtualTime } from "../../src/testing/virtual_time.ts";
import { MemoryNetwork, type MemoryNetworkOptions } from "../../src/transport/memory.ts";
import type { DatagramHandler, UdpTransport } from "../../src/transport/udp_transport.ts";

/** A network in memory on a virtual time, with a path of 10 ms each way unless told otherwise. */
export class Stage {
  readonly time: VirtualTime;
  readonly network: MemoryNetwork;
  readonly #bound: UdpTransport[] = [];

  constructor(path: MemoryNetworkOptions["path"] = () => [0.01], start?: Date | bigint) {
    this.time = new VirtualTime(start === undefined ? {} : { start });
    this.network = new MemoryNetwork({
      path,
      schedule: (seconds, deliver) => void this.time.after(seconds * 1000, deliver),
    });
  }

  /** Options that put a query on this stage. */
  get world(): Omit<QueryOptions, "nts"> {
    let draw = 0;
    return {
      clock: this.time,
      timers: this.time,
      bind: this.network.bind,
      random: (into) => void into.fill(++draw),
      resolve: (host) => Promise.resolve(host.split(",")), // "a,b" is a name with two addresses
    };
  }

  /** A clock that is ahead of the stage's time. */
  clock(aheadSeconds = 0): Clock {
    return new FunctionClock(() => addSeconds(this.time.now(), aheadSeconds), { precision: -20 });
  }

  /** A socket that does with each request what `answer` says. */
  async script(
    hostname: string,
    answer: (request: Uint8Array, reply: (bytes: Uint8Array) => void) => void,
  ): Promise<{ count: number }> {
    const asked = { count: 0 };
    const onDatagram: DatagramHandler = (data, source) => {
      asked.count++;
      const to = source.clone();
      answer(data.slice(), (bytes) => void transport.send(bytes, to));
    };
    const transport = await this.network.bind({
      hostname,
      port: 123,
      clock: this.time,
      onDatagram,
    });
    this.#bound.push(transport);
    return asked;
  }

  /** Runs until `promise` is settled, an hour at most, and passes its result on. */
  async play<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const done = promise.finally(() => settled = true);
    done.catch(() => {}); // it is awaited below, later than Node likes
    for (let ms = 0; !settled && ms < 3_600_000; ms += 100) await this.time.run(100);
    for (const transport of this.#bound) await transport.close();
    return await done;
  }
}

/** A good reply to a request, changed as wanted. */
export function replyTo(
  stage: Stage,
  request: Uint8Array,
  fields: Partial<NTPPacketFields> = {},
): Uint8Array {
  const { version, transmitTimestamp } = NTPPacket.decode(request);
  return new NTPPacket({
    version,
    mode: 4,
    stratum: 1,
    precision: -20,
    referenceId: referenceIdFromText("GPS"),
    originTimestamp: transmitTimestamp,
    receiveTimestamp: stage.time.now(),
    transmitTimestamp: stage.time.now(),
    ...fields,
  }).encode();
}

/** The fields of a kiss-o'-death. */
export function kiss(code: string): Partial<NTPPacketFields> {
  return { stratum: 0, leapIndicator: 3, referenceId: referenceIdFromText(code) };
}
