// An independent dissector reads what we send: the requests of our client, the replies of our server,
// and packets of every shape, field by field.

import { Confined } from "../confined.mjs";
import { Star } from "../namespaces.mjs";
import * as ours from "../ours.mjs";
import { capture, shownTimestamp } from "../peers/tshark.mjs";

export const peers = ["tshark"];

/** @param {import("../run.mjs").World} world */
export async function run({ peers, runtimes, report }) {
  const peer = /** @type {import("../peers.mjs").Peer} */ (peers.get("tshark"));
  await Promise.all(runtimes.map(async (runtime) => {
    const star = new Star();
    const link = star.join();
    const confined = new Confined(peer, link.namespace);
    const about = {
      peer: "tshark",
      version: peer.version,
      runtime: `${runtime.name} ${runtime.version}`,
    };
    try {
      /** @type {Traffic | undefined} */
      let traffic;
      await report.check({ ...about, role: "no warning" }, async () => {
        traffic = await makeTraffic(runtime, star, link, confined);
        for (const frame of traffic.frames) checkClean(frame);
        return { note: `${traffic.frames.length} packets` };
      }, () => confined.output);
      await report.check({ ...about, role: "requests and replies" }, () => checkExchanges(traffic));
      await report.check({ ...about, role: "packets of every shape" }, () => checkShapes(traffic));
    } finally {
      await confined.stop();
      star.remove();
    }
  }));
}

/**
 * @typedef {object} Traffic
 * @property {import("../peers/tshark.mjs").Frame[]} frames
 * @property {any[]} shapes what programs/packets.ts said of its packets
 * @property {number} exchanges how many our client had with our server
 */

/**
 * @param {ours.Runtime} runtime
 * @param {Star} star
 * @param {import("../namespaces.mjs").Link} link
 * @param {Confined} confined
 * @returns {Promise<Traffic>}
 */
async function makeTraffic(runtime, star, { namespace, hub }, confined) {
  const listen = { hostname: "::", port: 123, stratum: 1, refid: "GPS" };
  const server = await ours.startServer(runtime, star.hub, listen);
  try {
    const capturing = await capture(confined);
    const shapes = await ours.run(runtime, namespace, "packets.ts", {
      hostname: hub.v4,
      port: 123,
    });
    const targets = [hub.v4, hub.v6].flatMap((hostname) =>
      [3, 4].map((version) => ({
        name: `${hostname} version ${version}`,
        hostname,
        options: { port: 123, samples: 1, version },
      }))
    );
    const answers = await ours.run(runtime, namespace, "client.ts", targets);
    for (const { name, message } of answers) if (message) throw new Error(`${name}: ${message}`);
    const { received, answered } = await server.stop();
    const frames = await capturing.end(received + answered);
    return { frames, shapes, exchanges: targets.length };
  } finally {
    await server.child.stop();
  }
}

/** @param {import("../peers/tshark.mjs").Frame} frame */
function checkClean(frame) {
  const told = frame["_ws.malformed"] || frame["_ws.expert.message"];
  if (frame["_ws.col.protocol"] !== "NTP" || told) {
    throw new Error(`${frame["_ws.col.protocol"]} ${told}: ${frame["udp.payload"]}`);
  }
}

/** @param {Traffic | undefined} traffic */
function checkExchanges(traffic) {
  if (!traffic) throw new Error("nothing was captured");
  const { frames, exchanges, shapes } = traffic;
  const sent = new Set(shapes.map(({ hex }) => hex));
  const replies = frames.filter((frame) => frame["udp.srcport"] === "123");
  let matched = 0;
  for (const request of frames) {
    if (request["ntp.flags.mode"] !== "3") continue;
    const from = {
      "udp.dstport": request["udp.srcport"],
      "ntp.flags.mode": "4",
      "ntp.stratum": "1",
    };
    const expected = {
      ...from,
      "ntp.flags.li": "0",
      "ntp.flags.vn": request["ntp.flags.vn"],
      "ntp.refid": "47505300",
      "ntp.org": request["ntp.xmt"],
    };
    const reply = replies.find((reply) => difference(reply, expected) === undefined);
    if (!reply) throw new Error(`no right reply to ${request["udp.payload"]}`);
    if (!sent.has(request["udp.payload"])) matched++;
  }
  if (matched !== exchanges) {
    throw new Error(`${matched} exchanges of our client, not ${exchanges}`);
  }
  return { stratum: 1, refid: "GPS", note: `${matched} exchanges` };
}

/** @param {Traffic | undefined} traffic */
function checkShapes(traffic) {
  if (!traffic) throw new Error("nothing was captured");
  const { frames, shapes } = traffic;
  for (const shape of shapes) {
    const frame = frames.find((frame) => frame["udp.payload"] === shape.hex);
    if (!frame) throw new Error(`not captured: ${shape.hex}`);
    const wrong = difference(frame, expectedFields(shape));
    if (wrong) throw new Error(`${wrong} in ${shape.hex}`);
  }
  return { note: `${shapes.length} packets` };
}

/** @param {any} shape */
function expectedFields(shape) {
  /** @type {{ type: number, value: string }[]} */
  const fields = shape.extensionFields;
  const hex = (/** @type {number} */ value, /** @type {number} */ digits) =>
    value.toString(16).padStart(digits, "0");
  return {
    "ntp.flags.li": String(shape.leapIndicator),
    "ntp.flags.vn": String(shape.version),
    "ntp.flags.mode": String(shape.mode),
    "ntp.stratum": String(shape.stratum),
    "ntp.ppoll": String(shape.poll),
    "ntp.precision": String(shape.precision),
    "ntp.rootdelay": String(shape.rootDelay * 65536),
    "ntp.rootdispersion": String(shape.rootDispersion * 65536),
    "ntp.refid": hex(shape.referenceId, 8),
    "ntp.reftime": shownTimestamp(BigInt(shape.referenceTimestamp)),
    "ntp.org": shownTimestamp(BigInt(shape.originTimestamp)),
    "ntp.rec": shownTimestamp(BigInt(shape.receiveTimestamp)),
    "ntp.xmt": shownTimestamp(BigInt(shape.transmitTimestamp)),
    "ntp.ext.type": fields.map(({ type }) => `0x${hex(type, 4)}`).join(","),
    "ntp.ext.length": fields.map(({ value }) => value.length / 2 + 4).join(","),
    "ntp.ext.value": fields.map(({ value }) => value).join(","),
    "ntp.keyid": shape.mac ? hex(shape.mac.keyId, 8) : "",
    "ntp.mac": shape.mac?.digest ?? "",
  };
}

/**
 * @param {import("../peers/tshark.mjs").Frame} frame
 * @param {Record<string, string>} expected
 * @returns {string | undefined} the first field that differs
 */
function difference(frame, expected) {
  for (const [name, value] of Object.entries(expected)) {
    if (frame[name] !== value) return `${name} is "${frame[name]}", not "${value}",`;
  }
  return undefined;
}
