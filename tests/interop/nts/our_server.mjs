// The peers' clients take time from our server with NTS: keys are changed under them, replies are lost,
// the server starts anew with its keys and without.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../children.mjs";
import { Confined } from "../confined.mjs";
import { Star } from "../namespaces.mjs";
import * as ours from "../ours.mjs";
import * as chrony from "../peers/chrony.mjs";
import { ntsPeers } from "../peers/nts.mjs";
import { Authority } from "../../nts/ke/authority.mjs";

/** Whose clients ask, and with which algorithm alone, where that can be said. */
const clients = [
  { name: "chrony@sid", aead: 15 },
  { name: "chrony@sid", aead: 30 },
  { name: "chrony", aead: 15 },
  { name: "chrony", aead: 30 },
  { name: "ntpsec@sid" },
  { name: "ntpsec" },
  { name: "ntpd-rs@sid" },
  { name: "ntpd-rs" },
];

const announced = { stratum: 1, refid: "GPS" };

/**
 * Our server as a process that takes commands.
 *
 * @param {ours.Runtime} runtime
 * @param {import("../namespaces.mjs").Namespace} namespace
 * @param {object} options as of programs/nts_server.ts
 */
async function startServer(runtime, namespace, options) {
  const child = ours.start(runtime, namespace, "nts_server.ts", options, { seconds: 240 });
  await child.wrote(/"ready"/, 20).catch(async (error) => {
    await child.stop();
    throw new Error(`${error.message}\n${child.output.slice(-2000)}`);
  });
  let count = 0;
  return {
    child,
    /** @param {string} command */
    async ask(command) {
      // Each answer has a number behind its command, so that it is told from those before.
      const line = `${command} ${++count}`;
      child.write(`${line}\n`);
      const [, json] = await child.wrote(new RegExp(`^\\{"${line}":(.*)\\}$`, "m"), 10);
      return /** @type {Statistics} */ (JSON.parse(json));
    },
  };
}

/**
 * @typedef {object} Statistics
 * @property {{ received: number, nts: number, ntsNaks: number, dropped: Record<string, number>, errors: number }} server
 * @property {{ answered: number, failed: Record<string, number> }} keyExchange
 * @property {number} toLose
 */

/** @param {import("../run.mjs").World} world */
export async function run(world) {
  const authority = new Authority();
  await Promise.all(world.runtimes.map(async (runtime) => {
    await takeTime(world, runtime, authority);
    await goThroughTrouble(world, runtime, authority);
  }));
}

/**
 * Every client once.
 *
 * @param {import("../run.mjs").World} world
 * @param {ours.Runtime} runtime
 * @param {Authority} authority
 */
async function takeTime({ peers, report }, runtime, authority) {
  const star = new Star();
  const links = clients.map((client) => ({ ...client, link: star.join() }));
  const hosts = links.map(({ link }) => link.hub.v4);
  const about = { runtime: `${runtime.name} ${runtime.version}` };
  /** @type {Awaited<ReturnType<typeof startServer>> | undefined} */
  let server;
  try {
    const identity = authority.issue(hosts);
    server = await startServer(runtime, star.hub, { hostname: "::", ...announced, ...identity });
    await Promise.all(links.map(async ({ name, aead, link }) => {
      const peer = /** @type {import("../peers.mjs").Peer} */ (peers.get(name));
      const { role, client } = ntsPeers[peer.name];
      const confined = new Confined(peer, link.namespace);
      const subject = { ...about, peer: peer.name, version: peer.version };
      const algorithm = aead === undefined ? "" : `, AEAD ${aead}`;
      await report.check({ ...subject, role: `client ${role}${algorithm}` }, async () => {
        const seen = await client(confined, link.hub.v4, authority.cert, aead);
        for (const key of /** @type {const} */ (["stratum", "refid"])) {
          if (seen[key] !== undefined && seen[key] !== announced[key]) {
            throw new Error(`saw ${key} ${seen[key]}, not ${announced[key]}`);
          }
        }
        // That offsets are exact is the subject of the suite server.
        if (!(Math.abs(seen.offset) < 0.05)) throw new Error(`offset ${seen.offset} s`);
        return seen;
      }, () => `${confined.output}\n${server?.child.output.slice(-2000)}`);
      await confined.stop();
    }));
    const { ask, child } = server;
    await report.check({ ...about, peer: "(all)", role: "our server's counts" }, async () => {
      const { server: ntp, keyExchange } = await ask("statistics");
      const { received, nts, ntsNaks, errors } = ntp;
      const failed = Object.values(keyExchange.failed).reduce((sum, count) => sum + count);
      if (nts < 2 * clients.length || nts !== received || ntsNaks + errors + failed > 0) {
        throw new Error(JSON.stringify({ ntp, keyExchange }));
      }
      return { note: `all ${nts} requests authentic, ${keyExchange.answered} key exchanges` };
    }, () => child.output);
  } catch (error) {
    await report.check({ ...about, peer: "-", role: "our server" }, () => Promise.reject(error));
  } finally {
    await server?.child.stop();
    star.remove();
  }
}

/**
 * One client that asks every second, and what can happen to it.
 *
 * @param {import("../run.mjs").World} world
 * @param {ours.Runtime} runtime
 * @param {Authority} authority
 */
async function goThroughTrouble({ peers, report }, runtime, authority) {
  const peer = /** @type {import("../peers.mjs").Peer} */ (peers.get("chrony@sid"));
  const star = new Star();
  const { namespace, hub } = star.join();
  const confined = new Confined(peer, namespace);
  const folder = mkdtempSync(join(tmpdir(), "ntps-interop-nts-"));
  const keyFile = join(folder, "cookie-keys");
  const options = {
    hostname: hub.v4,
    ...announced,
    ...authority.issue([hub.v4]),
    keyFile,
  };
  const subject = {
    peer: peer.name,
    version: peer.version,
    runtime: `${runtime.name} ${runtime.version}`,
  };
  let server = await startServer(runtime, star.hub, options);
  const output = () => `${confined.output}\n${server.child.output.slice(-800)}`;
  /**
   * @param {string} role
   * @param {() => Promise<string>} attempt
   */
  const check = (role, attempt) =>
    report.check({ ...subject, role }, async () => ({ note: await attempt() }), output);
  /**
   * Waits until more requests were authentic than before.
   *
   * @param {number} before
   * @param {number} more
   * @param {number} seconds
   */
  const authentic = (before, more, seconds) =>
    eventually(`${more} authentic requests`, seconds, async () => {
      const statistics = await server.ask("statistics");
      return statistics.server.nts >= before + more ? statistics : undefined;
    });
  try {
    chrony.start(confined, [
      `server ${hub.v4} iburst minpoll 0 maxpoll 0 nts`,
      `ntstrustedcerts ${confined.write("ca.pem", authority.cert)}`,
      "ntsrefresh 1000",
    ], { seconds: 240 });
    await check("chronyd, rotations", async () => {
      const { server: ntp } = await authentic(0, 6, 30);
      let { nts } = ntp;
      for (let i = 0; i < 4; i++) {
        await server.ask("rotate");
        // A cookie of eight in a row is sent two rotations after it was made, and those are kept.
        ({ server: { nts } } = await authentic(nts, 5, 20));
      }
      const { keyExchange, server: { ntsNaks } } = await server.ask("statistics");
      if (keyExchange.answered !== 1 || ntsNaks > 0) {
        throw new Error(`${keyExchange.answered} key exchanges, ${ntsNaks} NTSN`);
      }
      return "4 rotations, 1 key exchange, no NTSN";
    });
    await check("chronyd, 8 replies lost", async () => {
      const before = await server.ask("statistics");
      await server.ask("lose 8");
      await eventually("8 requests", 60, async () => {
        return (await server.ask("statistics")).toLose === 0 ? true : undefined;
      });
      const { keyExchange } = await authentic(before.server.nts, 4, 60);
      const again = keyExchange.answered - before.keyExchange.answered;
      return `8 lost, then ${again} key exchange${again === 1 ? "" : "s"} and time again`;
    });
    await check("chronyd, keys kept", async () => {
      await server.child.stop();
      server = await startServer(runtime, star.hub, options);
      const { keyExchange, server: { ntsNaks } } = await authentic(0, 4, 60);
      if (keyExchange.answered > 0 || ntsNaks > 0) {
        throw new Error(`${keyExchange.answered} key exchanges, ${ntsNaks} NTSN`);
      }
      return "no key exchange, no NTSN";
    });
    await check("chronyd, keys lost", async () => {
      await server.child.stop();
      rmSync(keyFile);
      server = await startServer(runtime, star.hub, options);
      const { keyExchange, server: { ntsNaks } } = await authentic(0, 4, 120);
      if (ntsNaks === 0 || keyExchange.answered === 0) {
        throw new Error(`${keyExchange.answered} key exchanges, ${ntsNaks} NTSN`);
      }
      return `${ntsNaks} NTSN, then ${keyExchange.answered} key exchange`;
    });
  } finally {
    await confined.stop();
    await server.child.stop();
    rmSync(folder, { recursive: true, force: true });
    star.remove();
  }
}
