// NTPv5, a draft, both ways with ntpd-rs, where that speaks the revision that we do; where it has moved
// on, both sides must notice.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../children.mjs";
import { Confined } from "../confined.mjs";
import { Star } from "../namespaces.mjs";
import * as ours from "../ours.mjs";
import * as ntpdRs from "../peers/ntpd_rs.mjs";
import { tolerance } from "../peers/seen.mjs";

export const peers = ["ntpd-rs@sid"];

const OUR_DRAFT = "draft-ietf-ntp-ntpv5-08";

/** @param {import("../run.mjs").World} world */
export async function run({ peers, runtimes, report }) {
  const peer = /** @type {import("../peers.mjs").Peer} */ (peers.get("ntpd-rs@sid"));
  const program = readFileSync(join(peer.root, "usr/bin/ntp-daemon"), "latin1");
  const draft = /draft-ietf-ntp-ntpv5-\d\d/.exec(program)?.[0];
  const isSame = draft === OUR_DRAFT;
  for (const runtime of runtimes) {
    const star = new Star();
    const about = {
      peer: peer.name,
      version: peer.version,
      runtime: `${runtime.name} ${runtime.version}`,
    };
    const confined = [0, 1, 2].map(() => {
      const { namespace, here, hub } = star.join();
      return { confined: new Confined(peer, namespace), here, hub };
    });
    const [server, auto, forced] = confined;
    try {
      await report.check({ ...about, role: "server, our client" }, async () => {
        await ntpdRs.server(server.confined, { listener: ["accept-ntp-versions = [3, 4, 5]"] });
        return await ask(runtime, star, server.here.v4, isSame);
      }, () => server.confined.output);
      const listen = { hostname: "::", port: 123, stratum: 1, refid: "GPS", ntpv5: true };
      const ourServer = await ours.startServer(runtime, star.hub, listen);
      try {
        for (const [one, version] of /** @type {const} */ ([[auto, '"auto"'], [forced, "5"]])) {
          if (!isSame) break;
          await report.check({ ...about, role: `client, version ${version}` }, async () => {
            const address = `${one.hub.v4}:123`;
            const source = [
              'mode = "server"',
              `address = "${address}"`,
              `ntp-version = ${version}`,
            ];
            const seen = await ntpdRs.client(one.confined, address, { source });
            if (!(Math.abs(seen.offset) < tolerance)) throw new Error(`offset ${seen.offset} s`);
            if (version === "5") return seen;
            await eventually(
              "the upgrade",
              20,
              () => Promise.resolve(/switching to NTPv5/.exec(one.confined.output) ?? undefined),
            );
            return { ...seen, note: "upgraded" };
          }, () => one.confined.output);
        }
      } finally {
        const { decisions } = await ourServer.stop();
        await report.check({ ...about, role: "versions it asked in" }, () => {
          const four = decisions["serve: version 4"] ?? 0,
            five = decisions["serve: version 5"] ?? 0;
          if (isSame && !(five >= 1 && four >= 1)) {
            throw new Error(`${four} in version 4, ${five} in version 5`);
          }
          return { note: isSame ? `4: ${four}, 5: ${five}` : `it speaks ${draft}` };
        });
      }
    } finally {
      await Promise.all(confined.map((one) => one.confined.stop()));
      star.remove();
    }
  }
}

/**
 * @param {ours.Runtime} runtime
 * @param {Star} star
 * @param {string} hostname
 * @param {boolean} isSame
 */
async function ask(runtime, star, hostname, isSame) {
  const options = { port: 123, samples: 4, intervalMs: 100, timeoutMs: 2000 };
  let last = "";
  return await eventually("an answer in NTPv5", 20, async () => {
    const [answer] = await ours.run(runtime, star.hub, "ntpv5_client.ts", [
      { name: "negotiated", hostname, options: { ...options, referenceIds: true } },
    ]);
    if (!isSame && /speaks NTPv5 as|not answer/.test(answer.message ?? "")) {
      return { note: "refused" };
    }
    if (answer.offset === undefined) {
      last = answer.message;
      return undefined;
    }
    const { version, stratum, offset, bits } = answer;
    if (version !== 5 || stratum !== 1) throw new Error(`version ${version}, stratum ${stratum}`);
    if (!(Math.abs(offset) < tolerance + answer.delay / 2)) throw new Error(`offset ${offset} s`);
    // A server without sources may leave the filter empty, but tells all of it.
    if (
      !answer.fields.some((/** @type {number[]} */ [type, length]) =>
        type === 0xf504 && length === 512
      )
    ) {
      throw new Error("no reference IDs");
    }
    return {
      offset,
      stratum,
      note: `${bits} bits of reference IDs, ${answer.fields.length} fields`,
    };
  }).catch((error) => {
    throw new Error(`${error.message}; ${last}`);
  });
}
