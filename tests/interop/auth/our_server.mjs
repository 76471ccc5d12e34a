// The peers' daemons and tools take authenticated time from our server, and neither side believes the
// other when something is wrong.

import { execFileSync } from "node:child_process";
import { eventually } from "../children.mjs";
import { Confined } from "../confined.mjs";
import { Star } from "../namespaces.mjs";
import * as ours from "../ours.mjs";
import * as chrony from "../peers/chrony.mjs";
import * as ntpd from "../peers/ntpd.mjs";
import { sendForgedRequests } from "./forged_requests.mjs";
import { keysOf, renumbered, settingsOf, textOf, unknownId } from "./keys.mjs";
import { forgeries, startRelay } from "./relay.mjs";

/** Identifier of a key that has another secret on the other side. */
const wrongId = 8;

/** Where the relay finds our server. */
const inside = { hostname: "127.0.0.1", port: 123 };

/**
 * @typedef {object} Association what a daemon is told to ask
 * @property {string} name
 * @property {string} address one of its own, since a daemon knows its servers by address
 * @property {number} id of the key
 * @property {string} [options] of chrony's server line
 * @property {string} [forgery] what happens to the replies
 * @property {boolean} [relayed] whether the relay is asked
 * @property {boolean} good whether it is to be believed
 */

/** @param {import("../run.mjs").World} world */
export async function run({ peers, runtimes, report }) {
  await Promise.all(runtimes.map(async (runtime) => {
    const star = new Star();
    const runtimeName = `${runtime.name} ${runtime.version}`;
    const clients = ["chrony", "ntp", "ntpsec"].map((name, i) => {
      const peer = /** @type {import("../peers.mjs").Peer} */ (peers.get(name));
      const { namespace, hub } = star.join();
      const associations = associationsOf(name, hub.v4.replace(/\d+$/, ""));
      for (const { address } of associations) addAddress(star.hub, address, `v${i + 1}`);
      return { peer, associations, confined: new Confined(peer, namespace) };
    });
    const all = clients.flatMap(({ associations }) => associations);
    const direct = all.filter(({ relayed }) => !relayed);
    const throughRelay = all.filter(({ relayed }) => relayed);
    /** @type {Awaited<ReturnType<typeof ours.startServer>> | undefined} */
    let server;
    /** @type {Awaited<ReturnType<typeof startRelay>> | undefined} */
    let relay;
    try {
      server = await ours.startServer(runtime, star.hub, {
        hostname: [inside.hostname, ...direct.map(({ address }) => address)],
        port: 123,
        stratum: 1,
        refid: "GPS",
        keys: ourKeys(),
      });
      relay = await startRelay(runtime, star.hub, {
        target: inside,
        listen: throughRelay.map(({ address, forgery }) => ({
          hostname: address,
          port: 123,
          forgery,
        })),
      });
      const { relayed } = relay;
      await Promise.all(clients.map(async ({ peer, associations, confined }) => {
        const about = { peer: peer.name, version: peer.version, runtime: runtimeName };
        await checkDaemon({ about, associations, confined, report }, (association) => {
          return relayed(throughRelay.indexOf(association));
        });
        for (const tool of tools.filter((tool) => tool.peer === peer.name)) {
          await checkTool(tool, { about, associations, confined, report });
        }
      }));
      const { child, stop } = server;
      await report.check({ peer: "-", role: "forged requests", runtime: runtimeName }, () => {
        const others = textOf([...keysOf("chrony", 1), renumbered(keysOf("chrony")[1], unknownId)]);
        const texts = { keys: ourKeys(), others };
        return sendForgedRequests(runtime, star.hub, { hostname: inside.hostname, ...texts });
      }, () => child.output);
      await report.check({ peer: "(all)", role: "statistics", runtime: runtimeName }, async () => {
        const { received, answered, cryptoNaks, errors } = await stop();
        if (errors > 0 || cryptoNaks < 40) {
          throw new Error(`${received} received, ${cryptoNaks} crypto-NAKs, ${errors} errors`);
        }
        return { note: `${answered} answered, ${cryptoNaks} crypto-NAKs` };
      }, () => child.output);
    } catch (error) {
      await report.check(
        { peer: "-", role: "our server", runtime: runtimeName },
        () => Promise.reject(error),
      );
    } finally {
      await Promise.all(clients.map(({ confined }) => confined.stop()));
      await relay?.stop();
      await server?.child.stop();
      star.remove();
    }
  }));
}

/** Our key file: all types, and one that has another secret at the peers. */
function ourKeys() {
  const keys = keysOf("chrony");
  return textOf([...keys, renumbered(keys[1], wrongId)]);
}

/**
 * The keys of a peer: all types that it has, one that has another secret here, and one that is not
 * there here.
 *
 * @param {string} peer
 */
function theirKeys(peer) {
  const keys = keysOf(peer);
  const other = keysOf(peer, 1)[1];
  return [...keys, renumbered(other, wrongId), renumbered(other, unknownId)];
}

/**
 * @param {string} peer
 * @param {string} network the first three numbers of the addresses
 * @returns {Association[]}
 */
function associationsOf(peer, network) {
  const keys = keysOf(peer);
  /** @type {Omit<Association, "address">[]} */
  const found = keys.map(({ id, type }) => ({ name: type, id, good: true }));
  if (peer === "chrony") { // which takes version 3 for digests that version 4 has no room for
    for (const { id, type } of keys.filter(({ type }) => /SHA\d{3}/.test(type))) {
      found.push({ name: `${type} in v4`, id, options: "version 4", good: true });
    }
  }
  found.push({ name: "wrong key", id: wrongId, good: false });
  found.push({ name: "unknown key", id: unknownId, good: false });
  for (const { id, type } of keys.filter(({ type }) => type === "SHA1" || type === "AES128")) {
    found.push({ name: `${type}, relayed`, id, relayed: true, good: true });
    for (const forgery of forgeries) {
      found.push({ name: `${type}, ${forgery}`, id, relayed: true, forgery, good: false });
    }
  }
  return found.map((association, i) => ({ ...association, address: `${network}${11 + i}` }));
}

/**
 * @param {import("../namespaces.mjs").Namespace} namespace
 * @param {string} address
 * @param {string} device
 */
function addAddress(namespace, address, device) {
  const [program, ...args] = namespace.command([
    "ip",
    "addr",
    "add",
    `${address}/32`,
    "dev",
    device,
  ]);
  execFileSync(program, args, { stdio: ["ignore", "ignore", "inherit"] });
}

/**
 * @typedef {object} Client
 * @property {{ peer: string, version: string, runtime: string }} about
 * @property {Association[]} associations
 * @property {Confined} confined
 * @property {import("../report.mjs").Report} report
 */

/**
 * One daemon asks everything at once.
 *
 * @param {Client} client
 * @param {(association: Association) => number} relayed how many replies the relay forged or passed on
 */
async function checkDaemon({ about, associations, confined, report }, relayed) {
  const { peer } = about;
  const keys = theirKeys(peer);
  const settings = settingsOf(peer, confined.write("keys", textOf(keys)), keys);
  const lines = associations.map(({ address, id, options = "" }) =>
    `server ${address} iburst ${
      peer === "chrony" ? "minpoll 2 maxpoll 2" : "minpoll 3 maxpoll 3"
    } ` +
    `key ${id} ${options}`
  );
  const { start, reaches } = peer === "chrony"
    ? { start: chrony.start, reaches: reachesOfChrony }
    : { start: ntpd.start, reaches: reachesOfNtpd };
  start(confined, [...settings, ...lines]);
  const role = peer === "chrony" ? "chronyd" : "ntpd";
  const good = associations.filter(({ good }) => good);
  const bad = associations.filter(({ good }) => !good);
  /** @type {Map<string, number>} */
  let reached = new Map();
  const isReached = (/** @type {Association} */ { address }) => (reached.get(address) ?? 0) > 0;
  const output = () => confined.output;
  for (const association of good) {
    await report.check({ ...about, role: `${role}, ${association.name}` }, async () => {
      await eventually(`${role} believing ${association.name}`, 40, async () => {
        reached = await reaches(confined);
        return isReached(association) || undefined;
      });
      return {};
    }, output);
  }
  await report.check({ ...about, role: `${role}, refused` }, async () => {
    await eventually("two forged replies for each", 40, () => {
      const enough = bad.every((one) => !one.relayed || relayed(one) >= 2);
      return enough || undefined;
    });
    reached = await reaches(confined);
    const believed = bad.filter(isReached).map(({ name }) => name);
    if (believed.length > 0) throw new Error(`believed: ${believed.join("; ")}`);
    const lost = good.filter((one) => !isReached(one)).map(({ name }) => name);
    if (lost.length > 0) throw new Error(`no longer believed: ${lost.join("; ")}`);
    return { note: `${bad.length} ways` };
  }, output);
}

/**
 * The registers of what was believed, by address.
 *
 * @param {Confined} confined
 * @returns {Promise<Map<string, number>>}
 */
async function reachesOfChrony(confined) {
  const rows = (await chrony.ask(confined, "sources")).split("\n").map((line) => line.split(","));
  return new Map(rows.map((row) => [row[2], parseInt(row[5], 8)]));
}

/**
 * @param {Confined} confined
 * @returns {Promise<Map<string, number>>}
 */
async function reachesOfNtpd(confined) {
  //  remote refid st t when poll reach …
  const rows = (await ntpd.ask(confined, "lpeers")).matchAll(
    /^.([\d.]+)\s+\S+\s+\d+\s+\w\s+\S+\s+\S+\s+(\d+)\s/gm,
  );
  return new Map(Array.from(rows, ([, address, reach]) => [address, parseInt(reach, 8)]));
}

/**
 * @typedef {object} Tool
 * @property {string} peer
 * @property {string} role
 * @property {string[]} without types that it does not have
 * @property {string[]} fooledBy what it believes though it must not
 * @property {(file: string, id: number, address: string) => string[]} command
 * @property {(child: import("../children.mjs").Child) => boolean} succeeded
 */

/** @type {Tool[]} */
const tools = [
  {
    peer: "ntpsec",
    role: "ntpdig",
    without: [],
    fooledBy: [],
    command: (file, id, address) => ["/usr/bin/ntpdig", "-j", "-a", `${id}`, "-k", file, address],
    succeeded: ({ status, stdout }) => status === 0 && stdout.includes('"offset"'),
  },
  {
    peer: "ntp",
    role: "sntp",
    without: ["AES128"], // for which it asks without a key
    fooledBy: ["SHA1, MAC cut"], // it compares as many bytes as there are
    command(file, id, address) {
      return ["/usr/bin/sntp", "-K", "/dev/null", "-a", `${id}`, "-k", file, address];
    },
    succeeded: ({ output }) => / \+\/- \S+ \S+ s1 no-leap/.test(output),
  },
];

/**
 * A tool asks with every type, and with the keys that must not do.
 *
 * @param {Tool} tool
 * @param {Client} client
 */
async function checkTool({ role, without, fooledBy, command, succeeded }, client) {
  const { about, associations, confined, report } = client;
  const file = confined.write("tool_keys", textOf(theirKeys(about.peer)));
  const asked = associations.filter(({ name }) => !without.some((type) => name.startsWith(type)));
  await report.check({ ...about, role }, async () => {
    for (const { name, address, id, good } of asked) {
      const child = await confined.run(command(file, id, address), { seconds: 20 });
      const expected = good || fooledBy.includes(name);
      if (succeeded(child) !== expected) {
        throw new Error(`${name}: ${good ? "took no time" : "believed"}\n${child.output}`);
      }
    }
    const count = asked.filter(({ good }) => good).length;
    return { note: `${count} believed, ${asked.length - count - fooledBy.length} refused` };
  }, () => confined.output);
}
