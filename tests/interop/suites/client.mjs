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
  const started = servers.map(({ peer: peerName, role, start }) => {
    const peer = /** @type {import("../peers.mjs").Peer} */ (peers.get(peerName));
    const { namespace, here } = star.join();
    const confined = new Confined(peer, namespace);
    const announced = start(confined);
    announced.catch(() => {}); // each check that needs it reports it
    return { peer, role, confined, announced, here };
  });
  const targets = started.flatMap(({ here, ...server }) => [
    { ...server, name: `${server.peer.name} v4`, hostname: here.v4 },
    { ...server, name: `${server.peer.name} v6`, hostname: here.v6, role: `${server.role}, IPv6` },
  ]);
  try {
    await Promise.allSettled(started.map(({ announced }) => announced));
    await Promise.all(runtimes.map(async (runtime) => {
      const asked = targets.map(({ name, hostname }) => ({ name, hostname, options }));
      const running = ours.run(runtime, star.hub, "client.ts", asked);
      running.catch(() => {}); // likewise
      for (const { name, peer, role, confined, announced } of targets) {
        const subject = { peer: peer.name, version: peer.version, role };
        const ourSide = `${runtime.name} ${runtime.version}`;
        await report.check({ ...subject, runtime: ourSide }, async () => {
          const expected = await announced;
          const answer = (await running).find((line) => line.name === name);
          if (answer?.offset === undefined) throw new Error(answer?.message ?? "no answer");
          const seen = { ...answer, refid: refidText(answer.referenceId) };
          judge(seen, expected);
          return seen;
        }, () => confined.output);
      }
    }));
  } finally {
    await Promise.all(started.map(({ confined }) => confined.stop()));
    star.remove();
  }
}

/**
 * @param {import("../peers/seen.mjs").Seen & { delay: number, samples: number }} seen
 * @param {import("../peers/seen.mjs").Announced} expected
 */
function judge(seen, expected) {
  for (const key of /** @type {const} */ (["stratum", "refid"])) {
    if (seen[key] !== expected[key]) {
      throw new Error(`saw ${key} ${seen[key]}, not ${expected[key]}`);
    }
  }
  if (!(Math.abs(seen.offset) < tolerance + seen.delay / 2)) {
    throw new Error(`offset ${seen.offset} s, delay ${seen.delay} s`);
  }
  if (!(seen.delay >= 0 && seen.delay < 0.1)) throw new Error(`delay ${seen.delay} s`);
  if (seen.samples !== options.samples) {
    throw new Error(`${seen.samples} samples of ${options.samples}`);
  }
}
