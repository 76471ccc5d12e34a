// Symmetric associations with chronyd and ntpd, active and passive on either side.

import { eventually } from "../children.mjs";
import * as chrony from "../peers/chrony.mjs";
import * as ntpd from "../peers/ntpd.mjs";
import { ahead, allHeard, best, milliseconds, polls, rightly, wrongOffset } from "./judge.mjs";
import { configure, keyId, startPeer } from "./peer.mjs";

/** @typedef {import("./centre.mjs").Case} Case */

/** @typedef {{ peer: "chrony" | "ntp", theirs: "active" | "passive", ours: "active" | "passive", family: 4 | 6, key?: string, interleaved?: "both" | "ours" }} Pairing */

/** @type {Pairing[]} */
const pairings = [
  { peer: "chrony", theirs: "active", ours: "active", family: 4 },
  { peer: "chrony", theirs: "active", ours: "active", family: 6, key: "SHA1" },
  { peer: "chrony", theirs: "active", ours: "active", family: 4, key: "AES128" },
  { peer: "chrony", theirs: "active", ours: "passive", family: 6 },
  { peer: "chrony", theirs: "active", ours: "passive", family: 4, key: "SHA1" },
  { peer: "chrony", theirs: "active", ours: "passive", family: 6, key: "AES128" },
  { peer: "chrony", theirs: "active", ours: "active", family: 6, interleaved: "both" },
  { peer: "chrony", theirs: "active", ours: "passive", family: 4, interleaved: "both" },
  // Those that do not know of it must not lose their answers.
  { peer: "chrony", theirs: "active", ours: "active", family: 6, interleaved: "ours" },
  { peer: "ntp", theirs: "active", ours: "active", family: 4, interleaved: "ours" },
  { peer: "ntp", theirs: "active", ours: "active", family: 4 },
  { peer: "ntp", theirs: "active", ours: "active", family: 6, key: "AES128" },
  { peer: "ntp", theirs: "active", ours: "passive", family: 6 },
  { peer: "ntp", theirs: "active", ours: "passive", family: 4, key: "SHA1" },
  { peer: "ntp", theirs: "passive", ours: "active", family: 4 },
  { peer: "ntp", theirs: "passive", ours: "active", family: 6, key: "AES128" },
];

/** Modes as numbers. */
export const modes = { active: 1, passive: 2 };

/** Poll exponents; ntpd has none below. */
const poll = { chrony: 0, ntp: 3 };

/**
 * @type {Case[]} with stamps of the kernel, where the runtime allows that. In basic mode chronyd leaves
 * out what took a little longer to send on a busy machine, since next to such arrivals it is an outlier.
 */
export const stamped = [
  caseOf({ peer: "chrony", theirs: "active", ours: "active", family: 4, interleaved: "both" }),
];

/** @type {Case[]} */
export const cases = [...pairings.map(caseOf), wrongKey(), restart("active"), restart("passive")];

/**
 * @param {Pairing} pairing
 * @returns {Case}
 */
function caseOf(pairing) {
  const { peer, theirs, ours, family, key } = pairing;
  const interleaved = pairing.interleaved === "both";
  const exponent = poll[peer];
  return {
    peer,
    role: `${theirs} ↔ ${ours}${key ? `, ${key}` : ""}${
      pairing.interleaved ? `, xleave ${pairing.interleaved}` : ""
    }`,
    ours: ({ link }) => ({
      peers: ours === "passive" ? [] : [{
        endpoint: family === 6 ? link.here.v6 : link.here.v4,
        ...(key && { key: keyId(key) }),
        minPoll: exponent,
        maxPoll: exponent,
        interleaved: pairing.interleaved !== undefined,
      }],
    }),
    start(confined, { link }) {
      const to = family === 6 ? link.hub.v6 : link.hub.v4;
      const options = `minpoll ${exponent} maxpoll ${exponent} ${key ? `key ${keyId(key)}` : ""}${
        interleaved ? " xleave" : ""
      }`;
      return startPeer(peer, confined, [
        // Not to be followed: its own clock stays what it is measured against.
        ...(theirs === "active" ? [`peer ${to} ${options} noselect`] : []),
        ...(theirs === "passive" && !key ? ["disable auth"] : []),
        ...configure(peer, confined),
      ]);
    },
    async check(station, confined, { link }) {
      const hostname = family === 6 ? link.here.v6 : link.here.v4;
      const own = await reach(station, ours, hostname, {
        seconds: polls * 2 ** exponent + 50,
        mode: modes[theirs],
        key,
        interleaved,
        expected: -ahead,
      });
      const seen = await (peer === "chrony" ? askChrony : askNtpd)(confined, pairing);
      const { offset, stratum, sent } = own;
      return {
        offset,
        stratum,
        note: `${sent} polls, reach 377 and 377, they ${milliseconds(seen)}`,
      };
    },
  };
}

/**
 * Waits until both sides have polled so often, and our side has heard all of it and is right.
 *
 * @param {import("./station.mjs").Station} station
 * @param {string} kind
 * @param {string} hostname
 * @param {{ seconds: number, mode: number, key: string | undefined, interleaved?: boolean, expected: number }} options
 */
export async function reach(station, kind, hostname, options) {
  const { seconds, mode, key, interleaved = false, expected } = options;
  const samples = () => station.samples(kind, hostname);
  const { sent, stratum } = await rightly(
    `${polls} polls of ${hostname}`,
    seconds,
    () => samples().at(-1),
    (last) => {
      if (last.sent < polls || last.received < polls) return `only ${last.sent} polls`;
      // On a machine that does other things as well, a reply may come after the next poll.
      if (last.reach !== allHeard) return `our reach is ${last.reach.toString(8)}`;
      if (last.authentication !== (key ? "key" : "none")) {
        return `our side says "${last.authentication}" of its authentication`;
      }
      if (last.mode !== mode) return `it is in mode ${last.mode}`;
      // The first interleaved packet completes what was measured in basic mode.
      if (interleaved !== (last.ignored.measured > 0)) {
        return `it is${interleaved ? " not" : ""} in interleaved mode`;
      }
      const { offset, delay } = best(samples());
      const complaint = wrongOffset(offset, expected, delay / 2);
      return complaint && `our ${complaint}`;
    },
  );
  const { offset } = best(samples());
  return { sent, stratum, offset };
}

/**
 * @param {import("../confined.mjs").Confined} confined
 * @param {Pairing} pairing
 * @returns {Promise<number>} the offset of us that it tells
 */
async function askChrony(confined, { ours, key, interleaved }) {
  const seen = await rightly("chronyd agreeing", 40, () => askSource(confined), (answer) => {
    const { reach, offset, delay, authenticated, mode, sent, good } = answer;
    if (answer.interleaved !== (interleaved === "both")) {
      return `interleaved: ${answer.interleaved}`;
    }
    if (reach !== allHeard) return `its reach is ${reach.toString(8)}`;
    if (mode !== `Symmetric ${ours}`) return `it sees us as ${mode}`;
    if (authenticated !== (key !== undefined)) return `authenticated: ${authenticated}`;
    if (sent < polls || good < polls - 2) return `${good} good answers to ${sent} polls`;
    return wrongOffset(offset, ahead, delay / 2);
  });
  return seen.offset;
}

/**
 * What chronyd says of its only source.
 *
 * @param {import("../confined.mjs").Confined} confined
 */
async function askSource(confined) {
  const source = (await chrony.ask(confined, "sources")).split(",");
  const data = (await chrony.ask(confined, "ntpdata")).trim().split(",");
  if (source.length < 9 || data.length < 34) return undefined;
  return {
    reach: parseInt(source[5], 8),
    offset: Number(data[18]),
    delay: Number(data[19]),
    mode: data[7],
    interleaved: data[26] === "Yes",
    authenticated: data[27] === "Yes",
    sent: Number(data[30]),
    good: Number(data[33]),
  };
}

/**
 * @param {import("../confined.mjs").Confined} confined
 * @param {Pairing} pairing
 * @returns {Promise<number>} the offset of us that it tells
 */
async function askNtpd(confined, { theirs, ours, key }) {
  // Just after a poll of its own its register ends in 0.
  const seen = await rightly("ntpd agreeing", 40, () => ntpd.association(confined), (answer) => {
    const { reach, offset, delay, authenticated, hostMode, peerMode } = answer;
    if (reach !== allHeard) return `its reach is ${reach.toString(8)}`;
    if (hostMode !== modes[theirs] || peerMode !== modes[ours]) {
      return `it is in mode ${hostMode} and sees us in mode ${peerMode}`;
    }
    if (authenticated !== (key !== undefined)) return `authenticated: ${authenticated}`;
    return wrongOffset(offset, ahead, delay / 2);
  });
  return seen.offset;
}

/**
 * A chronyd that has another secret: neither side believes the other.
 *
 * @returns {Case}
 */
function wrongKey() {
  return {
    peer: "chrony",
    role: "active ↔ wrong key",
    ours: () => ({}),
    start(confined, { link }) {
      const options = `minpoll 0 maxpoll 0 key ${keyId("SHA1")} noselect`;
      return startPeer("chrony", confined, [
        `peer ${link.hub.v4} ${options}`,
        ...configure("chrony", confined, 1),
      ]);
    },
    async check(station, confined, { link }) {
      const { sent, reach } = await rightly(
        "chronyd polling",
        60,
        () => askSource(confined),
        ({ sent }) => sent < polls ? `${sent} polls` : undefined,
      );
      if (reach !== 0) throw new Error(`its reach is ${reach.toString(8)}`);
      if (station.samples("passive", link.here.v4).length > 0) throw new Error("we believe it");
      return { note: `${sent} polls, none believed` };
    },
  };
}

/**
 * A chronyd that starts anew: its second packet answers us again.
 *
 * @param {"active" | "passive"} ours
 * @returns {Case}
 */
function restart(ours) {
  const start = (
    /** @type {import("../confined.mjs").Confined} */ confined,
    /** @type {string} */ to,
  ) =>
    startPeer("chrony", confined, [
      `peer ${to} minpoll 0 maxpoll 0 key ${keyId("SHA1")} noselect`,
      ...configure("chrony", confined),
    ]);
  return {
    peer: "chrony",
    role: `active ↔ ${ours}, restart`,
    ours: ({ link }) => ({
      peers: ours === "passive"
        ? []
        : [{ endpoint: link.here.v4, key: keyId("SHA1"), minPoll: 0, maxPoll: 0 }],
    }),
    start: (confined, { link }) => start(confined, link.hub.v4),
    async check(station, confined, { link }, { child }) {
      const last = (/** @type {number} */ least) =>
        eventually(`${least} samples`, 40, () => {
          const samples = station.samples(ours, link.here.v4);
          return samples.length >= least ? samples.at(least - 1) : undefined;
        });
      await last(8);
      await child.stop();
      await new Promise((resolve) => setTimeout(resolve, 3000));
      const count = station.samples(ours, link.here.v4).length;
      const before = await last(count);
      start(confined, link.hub.v4);
      const after = await last(count + 1);
      const packets = after.received - before.received;
      if (packets > 2) throw new Error(`its packet ${packets} was the first that answered us`);
      await rightly(
        "chronyd",
        20,
        () => askSource(confined),
        ({ reach }) => reach === allHeard ? undefined : `its reach is ${reach.toString(8)}`,
      );
      return { offset: after.offset, note: `its packet ${packets} answered us` };
    },
  };
}
