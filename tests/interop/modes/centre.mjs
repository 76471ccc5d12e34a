// One process of ours in the middle, and any number of peers around it, each on a link of its own.

import { eventually } from "../children.mjs";
import { Confined } from "../confined.mjs";
import { Star } from "../namespaces.mjs";
import { hasTentative, linkLocalAddress } from "./addresses.mjs";
import { ahead } from "./judge.mjs";
import { ourKeys } from "./peer.mjs";
import { Station } from "./station.mjs";

/**
 * @typedef {object} Place
 * @property {import("../namespaces.mjs").Namespace} hub
 * @property {string} device the hub's on the link
 * @property {import("../namespaces.mjs").Link} link
 */

/** @typedef {{ target: object, interval: number, key?: number, interleaved?: boolean }} Broadcast */

/**
 * @typedef {object} Wanted what our side has to do for a peer; see `Station` of programs/station.ts
 * @property {object[]} [peers]
 * @property {object[]} [manycast]
 * @property {Broadcast[]} [broadcasts]
 * @property {boolean} [joins] it joins groups on that link
 * @property {boolean} [isLinkLocal] it is asked at its address of that link
 */

/**
 * @typedef {object} Case a peer and what is tried with it
 * @property {"chrony" | "ntp"} peer
 * @property {string} role
 * @property {(place: Place) => Wanted} ours
 * @property {(confined: Confined, place: Place) => import("../children.mjs").Child} start
 * @property {(station: Station, confined: Confined, place: Place, more: { runtime: import("../ours.mjs").Runtime, child: import("../children.mjs").Child }) => Promise<Partial<import("../peers/seen.mjs").Seen> & { note?: string }>} check
 */

/**
 * @typedef {object} Leaf a process of ours at the other end of a link
 * @property {import("../ours.mjs").Runtime} runtime
 * @property {(place: Place) => Wanted} wanted of the one in the middle
 * @property {(place: Place) => object} options of this one
 * @property {{ role: string, check: (hub: Station, leaf: Station, place: Place) => ReturnType<Case["check"]> }[]} checks
 */

/**
 * The adapters that can join groups.
 *
 * @type {Record<string, string>}
 */
const multicastAdapters = { deno: "node", bun: "bun", node: "node" };

/**
 * Tries cases and leaves, all at once.
 *
 * @param {object} options
 * @param {import("../run.mjs").World} options.world
 * @param {import("../ours.mjs").Runtime} options.runtime of the one in the middle
 * @param {Case[]} options.cases
 * @param {Leaf[]} [options.leaves]
 * @param {(devices: string[]) => object} options.options further options of the one in the middle,
 * from the devices on which it joins groups
 */
export async function runCentre({ world, runtime, cases, leaves = [], options }) {
  const { peers, report } = world;
  const runtimeName = nameOf(runtime);
  const star = new Star();
  let joined = 0;
  const join = () => ({ hub: star.hub, device: `v${++joined}`, link: star.join() });
  const around = cases.map((one) => {
    const peer = /** @type {import("../peers.mjs").Peer} */ (peers.get(one.peer));
    const place = join();
    return {
      ...one,
      version: peer.version,
      place,
      confined: new Confined(peer, place.link.namespace),
    };
  });
  const ends = leaves.map((leaf) => ({ ...leaf, place: join() }));
  /** @type {Station[]} */
  const stations = [];
  try {
    const places = [...around, ...ends].map(({ place }) => place);
    const namespaces = [star.hub, ...places.map(({ link }) => link.namespace)];
    // Until then the system does not let link-local addresses be used.
    await eventually("unique addresses", 20, () => !namespaces.some(hasTentative) || undefined);
    const wanted = [
      ...around.map(({ ours, place }) => ({ place, ...ours(place) })),
      ...ends.map(
        ({ wanted, place }) => ({ place, ...wanted(place) }),
      ),
    ];
    // Deno replies from these only where sockets of their own are bound to them.
    const linkLocal = runtime.name !== "deno" ? [] : wanted
      .filter(({ isLinkLocal }) => isLinkLocal)
      .map(({ place: { device } }) => `${linkLocalAddress(star.hub, device)}%${device}`);
    const further = options(wanted.filter(({ joins }) => joins).map(({ place }) => place.device));
    const hub = new Station(runtime, star.hub, {
      ahead,
      keys: ourKeys,
      linkLocal,
      peers: wanted.flatMap(({ peers = [] }) => peers),
      manycast: wanted.flatMap(({ manycast = [] }) => manycast),
      broadcasters: broadcastersOf(wanted.flatMap(({ broadcasts = [] }) => broadcasts)),
      ...further,
    });
    stations.push(hub);
    const output = () => hub.child.output.slice(-3000);
    const subject = { peer: "-", role: "our side", runtime: runtimeName };
    const isReady = await report.check(subject, async () => {
      const adapter = await hub.ready();
      const isChosen = adapter === "native" && "transport" in further;
      if (adapter !== undefined && !isChosen && adapter !== multicastAdapters[runtime.name]) {
        throw new Error(`it has a socket of the adapter "${adapter}"`);
      }
      return { note: adapter && `with the adapter "${adapter}"` };
    }, output);
    if (!isReady) return;
    const started = around.map((one) => ({ ...one, child: one.start(one.confined, one.place) }));
    await Promise.all([
      ...started.map(({ peer, version, role, place, confined, check, child }) =>
        report.check(
          { peer, version, role, runtime: runtimeName },
          () => check(hub, confined, place, { runtime, child }),
          () => `${confined.output}\n--- ours\n${output()}`,
        )
      ),
      ...ends.map(async (end) => {
        const leaf = new Station(end.runtime, end.place.link.namespace, {
          ahead: 0,
          keys: ourKeys,
          ...end.options(end.place),
        });
        stations.push(leaf);
        const { name, version } = end.runtime;
        await Promise.all(
          end.checks.map(({ role, check }) =>
            report.check({ peer: name, version, role, runtime: runtimeName }, async () => {
              await leaf.ready();
              return await check(hub, leaf, end.place);
            }, () => `--- other end\n${leaf.child.output.slice(-3000)}\n--- ours\n${output()}`)
          ),
        );
      }),
    ]);
  } finally {
    await Promise.all(
      [...stations, ...around.map(({ confined }) => confined)].map((one) => one.stop()),
    );
    star.remove();
  }
}

/** @param {import("../ours.mjs").Runtime} runtime */
export function nameOf({ name, version }) {
  return `${name} ${version}`;
}

/**
 * One broadcaster for each interval and key.
 *
 * @param {Broadcast[]} broadcasts
 */
function broadcastersOf(broadcasts) {
  /** @type {Map<string, { targets: object[], interval: number, key?: number }>} */
  const broadcasters = new Map();
  for (const { target, ...options } of broadcasts) {
    const name = JSON.stringify(options);
    const one = broadcasters.get(name) ?? { ...options, targets: [] };
    one.targets.push(target);
    broadcasters.set(name, one);
  }
  return [...broadcasters.values()];
}
