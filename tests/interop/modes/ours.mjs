// Our own implementations with each other: every mode, between every two runtimes.

import { linkLocalAddress } from "./addresses.mjs";
import { hears, targetOf } from "./broadcast.mjs";
import { ahead, milliseconds, polls } from "./judge.mjs";
import { finds, groups } from "./manycast.mjs";
import { keyId } from "./peer.mjs";
import { modes, reach } from "./symmetric.mjs";

/** @typedef {import("./centre.mjs").Leaf} Leaf */
/** @typedef {import("./station.mjs").Station} Station */

const poll = { minPoll: 0, maxPoll: 0 };
const search = { minPoll: 1, key: keyId("AES128") };

/**
 * Where a leaf hears what: its own server has port 123. Many at one moment would hold each other up,
 * so the intervals differ.
 */
const listened = /** @type {const} */ ([
  { port: 1123, address: "broadcast", family: "v4", interval: 3 },
  { port: 1124, address: "224.0.1.1", family: "v4", interval: 4 },
  { port: 1125, address: "ff05::101", family: "v6", interval: 5 },
  { port: 1126, address: "ff02::101", family: "v6", interval: 7 },
]);

/**
 * @param {import("../ours.mjs").Runtime} runtime
 * @returns {Leaf}
 */
export function leafOf(runtime) {
  return {
    runtime,
    wanted: (place) => ({
      peers: [
        { endpoint: place.link.here.v4, key: keyId("SHA1"), ...poll },
        { endpoint: place.link.here.v6, key: keyId("AES128"), ...poll },
      ],
      broadcasts: [
        ...listened.map(({ port, address, interval }) => ({
          target: { ...targetOf(address, place), port },
          interval,
          key: keyId("AES128"),
        })),
        { target: { ...targetOf("broadcast", place), port: listened[0].port }, interval: 11 },
      ],
      manycast: [{ ...search, group: groups.v4, networkInterface: place.device }],
      joins: true,
      isLinkLocal: true,
    }),
    options: ({ link }) => ({
      server: { hostname: "::", groups: Object.values(groups), networkInterfaces: ["v0"] },
      peers: [{ endpoint: link.hub.v4, key: keyId("SHA1"), ...poll }],
      passive: { ...poll, maxPeers: 4, allowUnauthenticated: false },
      listeners: listened.map(({ port, address }) => ({
        name: address,
        port,
        groups: address === "broadcast" ? [] : [address],
        networkInterfaces: ["v0"],
        allowUnauthenticated: false,
      })),
      manycast: [{ ...search, group: groups.v6, networkInterface: "v0" }],
    }),
    checks: [
      {
        role: "active ↔ active, SHA1",
        check: (hub, leaf, { link }) =>
          both(
            [hub, "active", link.here.v4],
            [leaf, "active", link.hub.v4],
            "SHA1",
          ),
      },
      {
        role: "passive ↔ active, AES128",
        check: (hub, leaf, { link }) =>
          both(
            [hub, "active", link.here.v6],
            [leaf, "passive", link.hub.v6],
            "AES128",
          ),
      },
      ...listened.map(({ address, family }) => ({
        role: `hears ${address}, AES128`,
        /** @type {Leaf["checks"][0]["check"]} */
        async check(_hub, leaf, { hub, device, link }) {
          const hostname = address === "ff02::101"
            ? linkLocalAddress(hub, device)
            : link.hub[family];
          const options = { expected: ahead, key: "AES128" };
          const seen = await hears(leaf, address, hostname, options);
          if (address !== "broadcast") return seen;
          const { ignored } = leaf.samples(address, hostname).at(-1) ?? {};
          if (!ignored?.authentication) throw new Error("it has heard none that is not signed");
          return { ...seen, note: `${seen.note}, ${ignored.authentication} unsigned refused` };
        },
      })),
      {
        role: "finds us, IPv6, AES128",
        check: (_hub, leaf, { link }) => finds(leaf, link.hub.v6, ahead, "AES128"),
      },
      {
        role: "found, IPv4, AES128",
        check: (hub, _leaf, { link }) => finds(hub, link.here.v4, -ahead, "AES128"),
      },
    ],
  };
}

/**
 * Two sides that poll each other.
 *
 * @param {[Station, "active" | "passive", string]} ours station, kind of its association, its peer
 * @param {[Station, "active" | "passive", string]} theirs
 * @param {string} key
 */
async function both([hub, ourKind, here], [leaf, theirKind, there], key) {
  const options = { seconds: polls + 50, key };
  const [seen, theirs] = await Promise.all([
    reach(hub, ourKind, here, { ...options, mode: modes[theirKind], expected: -ahead }),
    reach(leaf, theirKind, there, { ...options, mode: modes[ourKind], expected: ahead }),
  ]);
  const { offset, stratum, sent } = seen;
  const note = `${sent} polls, reach 377 and 377, they ${milliseconds(theirs.offset)}`;
  return { offset, stratum, note };
}
