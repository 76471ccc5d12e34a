// Every peer takes time from our server.

import { Confined } from "../confined.mjs";
import { Star } from "../namespaces.mjs";
import { startServer } from "../ours.mjs";
import * as chrony from "../peers/chrony.mjs";
import * as ntpd from "../peers/ntpd.mjs";
import * as ntpdRs from "../peers/ntpd_rs.mjs";
import * as openntpd from "../peers/openntpd.mjs";
import { tolerance } from "../peers/seen.mjs";

export const peers = ["chrony", "ntp", "ntpsec", "ntpd-rs", "openntpd"];

const announced = { stratum: 1, refid: "GPS" };

/**
 * @typedef {object} Client
 * @property {string} peer
 * @property {string} role
 * @property {6} [family] asks over IPv6
 * @property {(confined: Confined, address: string) => Promise<import("../peers/seen.mjs").Seen>} run
 */

/** Daemons take a while to make up their minds: all of them at once. */
/** @type {Client[]} */
const daemons = [
  { peer: "chrony", role: "chronyd", run: chrony.client },
  { peer: "ntp", role: "ntpd", run: ntpd.client },
  { peer: "ntpsec", role: "ntpd", run: ntpd.client },
  { peer: "ntpd-rs", role: "ntp-daemon", run: ntpdRs.client },
  { peer: "openntpd", role: "ntpd", run: openntpd.client },
  { peer: "ntp", role: "ntpd, IPv6", family: 6, run: ntpd.client },
];

/** Tools measure once: one after the other, lest they measure each other. */
/** @type {Client[]} */
const tools = [
  { peer: "ntp", role: "sntp", run: ntpd.sntp },
  { peer: "ntp", role: "sntp, IPv6", family: 6, run: ntpd.sntp },
  { peer: "ntp", role: "ntpdate -q", run: ntpd.ntpdate },
  { peer: "ntpsec", role: "ntpdig", run: ntpd.ntpdig },
  { peer: "chrony", role: "chronyd -Q", run: chrony.once },
  { peer: "chrony", role: "chronyd -Q, IPv6", family: 6, run: chrony.once },
];

/** @param {import("../run.mjs").World} world */
export async function run({ peers, runtimes, report }) {
  await Promise.all(runtimes.map(async (runtime) => {
    const star = new Star();
    const name = `${runtime.name} ${runtime.version}`;
    /** @type {Awaited<ReturnType<typeof startServer>> | undefined} */
    let server;
    /** @param {Client} client */
    const check = async ({ peer: peerName, role, family, run }) => {
      const peer = /** @type {import("../peers.mjs").Peer} */ (peers.get(peerName));
      const { namespace, hub } = star.join();
      const confined = new Confined(peer, namespace);
      const subject = { peer: peerName, version: peer.version, role, runtime: name };
      await report.check(subject, async () => {
        const seen = await run(confined, family === 6 ? hub.v6 : hub.v4);
        for (const key of /** @type {const} */ (["stratum", "refid"])) {
          if (seen[key] !== undefined && seen[key] !== announced[key]) {
            throw new Error(`saw ${key} ${seen[key]}, not ${announced[key]}`);
          }
        }
        if (!(Math.abs(seen.offset) < tolerance)) throw new Error(`offset ${seen.offset} s`);
        return seen;
      }, () => confined.output);
      await confined.stop();
      namespace.remove();
    };
    try {
      const subject = { peer: "(all)", role: "statistics", runtime: name };
      server = await startServer(runtime, star.hub, { hostname: "::", port: 123, ...announced });
      await Promise.all([
        ...daemons.map(check),
        (async () => {
          for (const tool of tools) await check(tool);
        })(),
      ]);
      const { child, stop } = server;
      await report.check(subject, async () => {
        const { received, answered, errors, dropped } = await stop();
        if (errors > 0 || answered < 20 || answered !== received) {
          throw new Error(
            `${received} received, ${answered} answered, ${errors} errors, ${
              JSON.stringify(dropped)
            }`,
          );
        }
        return { note: `all ${answered} requests answered` };
      }, () => child.output);
    } catch (error) {
      await report.check(
        { peer: "-", role: "our server", runtime: name },
        () => Promise.reject(error),
      );
    } finally {
      await server?.child.stop();
      star.remove();
    }
  }));
}
