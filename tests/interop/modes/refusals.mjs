// What cannot be done is told, with its remedy.

import { Namespace, Star } from "../namespaces.mjs";
import * as ours from "../ours.mjs";
import { nameOf } from "./centre.mjs";

/** @typedef {[refusal: string, said?: RegExp]} Expected */

/** @type {Record<string, Expected>} */
const onLink = {
  "no group": ["RangeError", /192\.0\.2\.1/],
  "no interface, listening": ["address-unavailable", /nosuch0.*only.*v0/],
  "no interface, serving": ["address-unavailable", /nosuch0.*only.*v0/],
  "no interface, telling": ["address-unavailable", /nosuch0.*only.*v0/],
  "no interface, searching": ["address-unavailable", /nosuch0.*only.*v0/],
  "no multicast": ["unsupported", /multicast/],
};

/** @type {Record<string, Record<string, Expected>>} */
const ofRuntimes = {
  deno: {
    "own sockets": ["unsupported", /"node"/],
    "IPv6 hop limit": ["unsupported", /Node or Bun/],
  },
  bun: { "own sockets": ["none"], "IPv6 hop limit": ["none"] },
  node: { "own sockets": ["none"], "IPv6 hop limit": ["none"] },
};

/**
 * @param {import("../run.mjs").World} world
 * @param {ours.Runtime} runtime
 */
export async function runRefusals({ report }, runtime) {
  const star = new Star();
  const bare = new Namespace();
  try {
    const { namespace } = star.join();
    // Of root nothing but this right is taken away.
    const poor = {
      command: (/** @type {string[]} */ command) =>
        namespace.command(["setpriv", "--bounding-set=-net_bind_service", ...command]),
    };
    /** @type {[string, Pick<Namespace, "command">, Record<string, Expected>][]} */
    const runs = [
      ["bad input is told", namespace, onLink],
      ["own limits", namespace, ofRuntimes[runtime.name]],
      ["no route is told", bare, { "no route": ["unreachable", /ip route add/] }],
      ["no permission is told", poor, { "no permission": ["permission", /123/] }],
    ];
    for (const [role, where, expected] of runs) {
      await report.check({ peer: "-", role, runtime: nameOf(runtime) }, async () => {
        const tries = Object.keys(expected);
        const lines = await ours.run(runtime, where, "refusals.ts", tries);
        for (const tried of tries) {
          const { refusal, message } = lines.find((line) => line.tried === tried) ?? {};
          const [wanted, said = /^/] = expected[tried];
          if (refusal === wanted && said.test(message)) continue;
          throw new Error(`${tried}: ${refusal}, not ${wanted} with ${said}: ${message}`);
        }
        return { note: tries.map((tried) => `${tried}: ${expected[tried][0]}`).join("; ") };
      });
    }
  } finally {
    bare.remove();
    star.remove();
  }
}
