// Our client takes time from every peer that serves it.

import { Confined } from "../confined.mjs";
import { Star } from "../namespaces.mjs";
import * as ours from "../ours.mjs";
import * as chrony from "../peers/chrony.mjs";
import * as ntpd from "../peers/ntpd.mjs";
import * as ntpdRs from "../peers/ntpd_rs.mjs";
import { refidText, tolerance } from "../peers/seen.mjs";

export const peers = ["chrony", "ntp", "ntpsec", "ntpd-rs"];

const servers = [
  { peer: "chrony", role: "chronyd", start: chrony.server },
  { peer: "ntp", role: "ntpd", start: ntpd.server },
  { peer: "ntpsec", role: "ntpd", start: ntpd.server },
  { peer: "ntpd-rs", role: "ntp-daemon", start: ntpdRs.server },
];

const options = { port: 123, samples: 4, timeoutMs: 5000 };

/** @param {import("../run.mjs").World} world */
export async function run({ peers, runtimes, report }) {
  const star = new Star();
  const started = await Promise.all(servers.map(async ({ peer: peerName, role, start }) => {
    const peer = /** @type {import("../peers.mjs").Peer} */ (peers.get(peerName));
    const { namespace, here } = star.join();
    const confined = new Confined(peer, namespace);
    const announced = start(confined);
    announced.catch(() => {}); // reported by each check that needs it
    return { peer, role, here, confined, announced };
  }));
  try {
    await Promise.allSettled(started.map(({ announced }) => announced));
    for (const runtime of runtimes) {
      for (const { peer, role, here, confined, announced } of started) {
        for (const [family, hostname] of Object.entries(here)) {
          const subject = {
            peer: peer.name,
            version: peer.version,
            role: family === "v6" ? `${role}, IPv6` : role,
            runtime: `${runtime.name} ${runtime.version}`,
          };
          await report.check(subject, async () => {
            const expected = await announced;
            const [answer] = await ours.run(runtime, star.hub, "client.ts", [{ hostname, options }]);
            if (answer?.offset === undefined) throw new Error(answer?.message ?? "no answer");
            const seen = { ...answer, refid: refidText(answer.referenceId) };
            for (const key of /** @type {const} */ (["stratum", "refid"])) {
              if (seen[key] !== expected[key]) {
                throw new Error(`saw ${key} ${seen[key]}, not ${expected[key]}`);
              }
            }
            if (!(Math.abs(seen.offset) < tolerance)) throw new Error(`offset ${seen.offset} s`);
            if (!(seen.delay >= 0 && seen.delay < 0.1)) throw new Error(`delay ${seen.delay} s`);
            if (seen.samples < options.samples) throw new Error(`${seen.samples} samples of ${options.samples}`);
            return seen;
          }, () => confined.output);
        }
      }
    }
  } finally {
    await Promise.all(started.map(({ confined }) => confined.stop()));
    star.remove();
  }
}
