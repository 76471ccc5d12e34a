// Our clock follows three chronyd through bad networks, and a server of ours that lies; chronyd follows
// our clock. All of them serve the clock of this machine, so it tells how far ours is off.

import { setTimeout } from "node:timers/promises";
import { Confined } from "../confined.mjs";
import { Star } from "../namespaces.mjs";
import { start } from "../ours.mjs";
import * as chrony from "../peers/chrony.mjs";

export const peers = ["chrony"];

/** Delay each way in seconds. Its standard deviation is the jitter that our clock must stay below. */
const EXPONENTIAL = 0.002, REORDERED = { probability: 0.1, delay: 0.005 };
const LINK = {
  base: 0.005,
  exponential: EXPONENTIAL,
  loss: 0.05,
  duplication: 0.05,
  reordering: REORDERED,
};
const { probability, delay } = REORDERED;
const JITTER = Math.sqrt(EXPONENTIAL ** 2 + probability * (1 - probability) * delay ** 2);
const HONEST = 3;
/** The port of the way through the bad network. */
const RELAYED = 1123;
/** How wrong the liar is, in seconds: more than the delay can hide. */
const LIE = 0.05;
/** Seconds until our clock is looked at, and for how long at least. */
const SETTLE = 20, LOOK = 25;

/** @param {import("../run.mjs").World} world */
export async function run({ peers, runtimes, report }) {
  const peer = /** @type {import("../peers.mjs").Peer} */ (peers.get("chrony"));
  const { version } = peer;
  const star = new Star();
  const helper = runtimes.find(({ name }) => name === "node") ?? runtimes[0];
  /** @type {Confined[]} */
  const confined = [];
  /** @type {import("../children.mjs").Child[]} */
  const children = [];
  /** @param {import("../children.mjs").Child} child */
  const ready = async (child) => {
    children.push(child);
    await child.wrote(/"ready"/, 30);
    return child;
  };
  try {
    const servers = [];
    for (let seed = 0; seed < HONEST; seed++) {
      const { namespace, here } = star.join();
      const one = new Confined(peer, namespace);
      confined.push(one);
      chrony.start(one, ["local stratum 1", "allow all"], { seconds: 240 });
      const listen = { hostname: here.v4, port: RELAYED };
      const target = { hostname: here.v4, port: 123 };
      const options = { listen, target, link: LINK, seed };
      await ready(start(helper, namespace, "bad_network.ts", options, { seconds: 240 }));
      servers.push({ hostname: here.v4, port: RELAYED });
    }
    const { namespace, here } = star.join();
    const wrong = { hostname: here.v4, port: RELAYED, ahead: LIE };
    await ready(start(helper, namespace, "wrong_server.ts", wrong, { seconds: 240 }));
    servers.push({ hostname: here.v4, port: RELAYED });

    await Promise.all(runtimes.map(async (runtime, i) => {
      const name = `${runtime.name} ${runtime.version}`;
      const role = "NTPSync of 3 and a liar";
      const port = 1231 + i;
      const polls = { minPoll: 0, maxPoll: 1 };
      const child = start(runtime, star.hub, "sync.ts", {
        servers: servers.map((server) => ({ ...server, ...polls })),
        serve: port,
        settle: SETTLE,
      }, { seconds: 200 });
      const { namespace, hub } = star.join();
      const below = new Confined(peer, namespace);
      confined.push(below);
      await report.check({ peer: "chrony", version, role, runtime: name }, async () => {
        await ready(child);
        const begun = performance.now();
        await report.check(
          { peer: "chrony", version, role: "chronyd below NTPSync", runtime: name },
          async () => {
            await setTimeout(SETTLE * 1000);
            const seen = await chrony.client(below, hub.v4, { options: `port ${port}` });
            if (seen.stratum !== 2) throw new Error(`saw stratum ${seen.stratum}, not 2`);
            if (!servers.slice(0, HONEST).some(({ hostname }) => hostname === seen.refid)) {
              throw new Error(`saw refid ${seen.refid}, not that of an honest server`);
            }
            if (!(Math.abs(seen.offset) < JITTER)) throw new Error(`offset ${seen.offset} s`);
            return seen;
          },
          () => below.output,
        );
        await setTimeout(Math.max(0, (SETTLE + LOOK) * 1000 - (performance.now() - begun)));
        child.closeInput();
        const [, text] = await child.wrote(/^(\{"result".*\})$/m, 15);
        const { result } = JSON.parse(text);
        const { backwards, looks, max, outside, rms, sources, stratum } = result;
        const liar = sources.at(-1), honest = sources.slice(0, HONEST);
        const fail = (/** @type {string} */ what) => new Error(`${what}: ${text}`);
        if (looks < 100) throw fail("looked at too seldom");
        if (!(rms < JITTER)) throw fail(`error ${rms} s RMS, jitter ${JITTER} s`);
        if (outside > 0) throw fail("not within its bounds");
        if (backwards > 0) throw fail("the clock went backwards");
        if (stratum !== 2) throw fail(`stratum ${stratum}`);
        if (liar.state !== "falseticker") throw fail(`the liar is ${liar.state}`);
        if (honest.some((/** @type {{ state: string }} */ { state }) => state === "falseticker")) {
          throw fail("an honest server is called a liar");
        }
        const most = `at most ${(max * 1e6).toFixed(0)} µs, jitter ${(JITTER * 1e6).toFixed(0)} µs`;
        return { offset: rms, note: most };
      }, () => child.output);
    }));
  } finally {
    for (const one of confined) await one.stop();
    for (const child of children) await child.stop();
    star.remove();
  }
}
