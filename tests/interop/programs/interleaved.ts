// Two clocks of ours that follow one server, the first in basic mode, the second in interleaved mode.
// Argument: `{ hostname, seconds, settle }` as JSON. Says how far each was off the clock of this machine,
// which the server serves, how many replies were in interleaved mode, and what was wrong with the others.

import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { NTPPacket, NTPSync, SystemClock, timestampDifference } from "../../../mod.ts";
import { bindUdp } from "../../../src/transport/bind_udp.ts";
import type { BindUdp, UdpTransport } from "../../../src/transport/udp_transport.ts";

const { hostname, seconds, settle } = JSON.parse(process.argv[2] ?? "{}");
const host = new SystemClock();

class Mode {
  replies = 0;
  interleaved = 0;
  kind = "";
  errors: number[] = [];
  faults = new Set<string>();
  sync: NTPSync | undefined;

  async start(interleaved: boolean): Promise<void> {
    const servers = [{ hostname, interleaved, minPoll: 0, maxPoll: 0 }];
    this.sync = await NTPSync.start({ servers, bind: this.#bind });
  }

  look(): void {
    this.errors.push(Math.abs(timestampDifference(this.sync!.clock.now(), host.now())));
    for (const { error } of this.sync!.sources()) if (error) this.faults.add(error.message);
  }

  result(): object {
    const { interleaved, kind, replies } = this;
    // The median: between two readings of two clocks there may be other work.
    const error = this.errors.sort((a, b) => a - b)[this.errors.length >> 1];
    return { interleaved, kind, replies, error, faults: [...this.faults] };
  }

  #bind: BindUdp = async (options) => {
    let receive = 0n;
    const transport = await bindUdp({
      ...options,
      onDatagram: (data, source, arrival) => {
        const { originTimestamp } = NTPPacket.decode(data.slice());
        this.replies++;
        if (receive !== 0n && originTimestamp === receive) this.interleaved++;
        options.onDatagram(data, source, arrival);
      },
    });
    this.kind = transport.kind;
    const send: UdpTransport["send"] = transport.send.bind(transport);
    return Object.assign(transport, {
      send: (...[data, to]: Parameters<UdpTransport["send"]>) => {
        receive = NTPPacket.decode(data.slice()).receiveTimestamp;
        return send(data, to);
      },
    });
  };
}

const basic = new Mode(), interleaved = new Mode();
await basic.start(false);
await interleaved.start(true);
await setTimeout(settle * 1000);
for (let i = 0; i < seconds * 20; i++) {
  await setTimeout(50);
  basic.look();
  interleaved.look();
}
await basic.sync!.close();
await interleaved.sync!.close();
console.log(JSON.stringify({ basic: basic.result(), interleaved: interleaved.result() }));
process.exit(0);
