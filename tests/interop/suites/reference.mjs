// A server of ours on a receiver that gpsd reads: chronyd accepts it; without antenna it holds over,
// then serves no time, and comes back.

import { Confined } from "../confined.mjs";
import { Namespace } from "../namespaces.mjs";
import { start } from "../ours.mjs";
import * as chrony from "../peers/chrony.mjs";

export const peers = ["chrony", "gpsd"];

const RECEIVER = 10110, SERVE = 1231;
/** Seconds that our server serves without its receiver. */
const HOLDOVER = 6;
/** A message tells the time to within this, in seconds. */
const MESSAGE = 0.2;

/** @param {import("../run.mjs").World} world */
export async function run({ peers, runtimes, report }) {
  const peer = /** @type {import("../peers.mjs").Peer} */ (peers.get("gpsd"));
  const below = /** @type {import("../peers.mjs").Peer} */ (peers.get("chrony"));
  // The receiver is no part of what is tried.
  const helper = runtimes.find(({ name }) => name === "node") ?? runtimes[0];
  for (const runtime of runtimes) {
    const name = `${runtime.name} ${runtime.version}`;
    const namespace = new Namespace();
    const gpsd = new Confined(peer, namespace), chronyd = new Confined(below, namespace);
    const receiver = start(helper, namespace, "receiver.ts", { port: RECEIVER });
    const server = start(runtime, namespace, "gnss.ts", {
      ...{ clock: "gpsd", options: { hostname: "127.0.0.1" } },
      ...{ port: SERVE, maxHoldover: HOLDOVER },
    });
    const output = () => `${gpsd.output}\n${server.output}`;
    const subject = { peer: "gpsd", version: peer.version, runtime: name };
    try {
      await receiver.wrote(/"ready"/, 20);
      gpsd.start(["/usr/sbin/gpsd", "-N", "-n", `tcp://127.0.0.1:${RECEIVER}`]);
      await report.check({ ...subject, role: "GpsdClock: lock" }, async () => {
        await server.wrote(/"state":"locked"/, 45);
        await server.wrote(/"ready"/, 5);
        return {};
      }, output);
      const accepted = { peer: "chrony", version: below.version, runtime: name };
      await report.check({ ...accepted, role: "chronyd below GpsdClock" }, async () => {
        const seen = await chrony.client(chronyd, "127.0.0.1", { options: `port ${SERVE}` });
        if (seen.stratum !== 1) throw new Error(`saw stratum ${seen.stratum}, not 1`);
        if (seen.refid !== "GPS") throw new Error(`saw refid ${seen.refid}, not GPS`);
        if (!(Math.abs(seen.offset) < MESSAGE)) throw new Error(`offset ${seen.offset} s`);
        return seen;
      }, () => chronyd.output);
      await report.check({ ...subject, role: "lost, held over, back" }, async () => {
        receiver.write("off\n");
        await server.wrote(/"holdover"[^]*"unsynchronised"/, 40);
        receiver.write("on\n");
        await server.wrote(/"unsynchronised"[^]*"locked"/, 40);
        return {};
      }, output);
    } finally {
      await Promise.all([receiver.stop(), server.stop(), gpsd.stop(), chronyd.stop()]);
      namespace.remove();
    }
  }
}
