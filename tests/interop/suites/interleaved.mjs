// Interleaved mode (RFC 9769): our clock follows chronyd, beside one in basic mode; and chronyd follows
// our server.

import { Confined } from "../confined.mjs";
import { Star } from "../namespaces.mjs";
import { run as runOurs, startServer } from "../ours.mjs";
import * as chrony from "../peers/chrony.mjs";
import { settled, tolerance } from "../peers/seen.mjs";

export const peers = ["chrony"];

/**
 * How much greater the median error may be than in basic mode, in seconds: noise of two medians. Who
 * has no stamps of the kernel sees its own event loop in both modes.
 */
const NOISE = 10e-6, NOISE_WITHOUT_STAMPS = 60e-6;
/** Least share of replies in interleaved mode: not the first two, nor those after one that is late. */
const LEAST = 0.5;
/** Which field of `chronyc -c ntpdata` says whether the last packet was in interleaved mode. */
const INTERLEAVED = 26;

/** @param {import("../run.mjs").World} world */
export async function run({ peers, runtimes, report }) {
  const peer = /** @type {import("../peers.mjs").Peer} */ (peers.get("chrony"));
  const { version } = peer;
  await Promise.all(runtimes.map(async (runtime) => {
    const name = `${runtime.name} ${runtime.version}`;
    const star = new Star();
    /** @type {Confined[]} */
    const confined = [];
    const join = () => {
      const { namespace, here, hub } = star.join();
      const one = new Confined(peer, namespace);
      confined.push(one);
      return { one, here, hub };
    };
    try {
      await Promise.all([
        report.check({ peer: "chrony", version, role: "chronyd", runtime: name }, async () => {
          const { one, here } = join();
          await chrony.server(one);
          const [{ basic, interleaved }] = await runOurs(
            runtime,
            star.hub,
            "interleaved.ts",
            { hostname: here.v4, settle: 10, seconds: 15 },
          );
          const text = JSON.stringify({ basic, interleaved });
          if (basic.interleaved > 0) throw new Error(`basic mode was left: ${text}`);
          if (!(interleaved.interleaved > LEAST * interleaved.replies)) {
            throw new Error(`too few in interleaved mode: ${text}`);
          }
          const noise = interleaved.kind === "native" ? NOISE : NOISE_WITHOUT_STAMPS;
          if (!(interleaved.error <= basic.error + noise)) throw new Error(`worse: ${text}`);
          const note = `${interleaved.kind}, basic ${(basic.error * 1e6).toFixed(1)} µs`;
          return { offset: interleaved.error, note };
        }),
        report.check(
          { peer: "chrony", version, role: "chronyd xleave", runtime: name },
          async () => {
            const { one, hub } = join();
            const options = {
              hostname: "::",
              port: 123,
              stratum: 1,
              refid: "GPS",
              interleaved: true,
            };
            const server = await startServer(runtime, star.hub, options);
            try {
              const seen = await chrony.client(one, hub.v4, { options: "xleave" });
              if (!(Math.abs(seen.offset) < tolerance)) throw new Error(`offset ${seen.offset} s`);
              return await settled("chronyd in interleaved mode", 40, async () => {
                const data = (await chrony.ask(one, "ntpdata")).trim().split(",");
                return /^(Y|Yes|1)$/.test(data[INTERLEAVED] ?? "") ? seen : undefined;
              });
            } finally {
              await server.child.stop();
            }
          },
          () => confined.map(({ output }) => output).join("\n"),
        ),
      ]);
    } finally {
      for (const one of confined) await one.stop();
      star.remove();
    }
  }));
}
