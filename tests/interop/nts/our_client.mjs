// Our client takes time from the peers' servers with NTS, with every algorithm that they have, and our
// clock follows them. Keys are changed under it, replies are lost, the server starts anew with its keys and without.

import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../children.mjs";
import { Confined } from "../confined.mjs";
import { Star } from "../namespaces.mjs";
import * as ours from "../ours.mjs";
import * as chrony from "../peers/chrony.mjs";
import { ntsPeers, writeIdentity } from "../peers/nts.mjs";
import { refidText } from "../peers/seen.mjs";
import { Authority } from "../../nts/ke/authority.mjs";

/** Whose servers are asked. */
const servers = ["chrony@sid", "chrony", "ntpsec@sid", "ntpsec", "ntpd-rs@sid", "ntpd-rs"];

/** A name that stands for all of them. */
const POOL = "pool.ntps.test";

/** @param {import("../run.mjs").World} world */
export async function run(world) {
  const authority = new Authority();
  await takeTime(world, authority);
  await Promise.all(world.runtimes.map((runtime) => goThroughTrouble(world, runtime, authority)));
}

/**
 * Every server once, with each algorithm.
 *
 * @param {import("../run.mjs").World} world
 * @param {Authority} authority
 */
async function takeTime({ peers, runtimes, report }, authority) {
  const star = new Star();
  const started = servers.map((name) => {
    const peer = /** @type {import("../peers.mjs").Peer} */ (peers.get(name));
    const { namespace, here } = star.join();
    const confined = new Confined(peer, namespace);
    const { role, serves, server } = ntsPeers[peer.name];
    const announced = server(confined, authority.issue([here.v4, here.v6, POOL]));
    announced.catch(() => {}); // each check that needs it reports it
    return { name, peer, role, serves, confined, announced, here };
  });
  try {
    await Promise.allSettled(started.map(({ announced }) => announced));
    // One runtime after the other: exchanges of keys would disturb the others' measurements.
    for (const runtime of runtimes) {
      const targets = started.flatMap(({ name, here, serves }) =>
        serves.map((aead, i) => ({
          name: `${name} ${aead}`,
          hostname: i === 0 ? here.v4 : here.v6,
          ca: authority.cert,
          aead,
        }))
      );
      const asked = ours.run(runtime, star.hub, "nts_client.ts", targets);
      asked.catch(() => {});
      for (const { name, peer, role, serves, confined, announced } of started) {
        const subject = { peer: peer.name, version: peer.version };
        const about = { ...subject, runtime: `${runtime.name} ${runtime.version}` };
        for (const aead of serves) {
          await report.check({ ...about, role: `server ${role}, AEAD ${aead}` }, async () => {
            const expected = await announced;
            const answer = (await asked).find((line) => line.name === `${name} ${aead}`);
            return judge(answer, expected, aead);
          }, () => confined.output);
        }
      }
    }
    await Promise.all(runtimes.map(async (runtime) => {
      const followed = ours.run(runtime, star.hub, "nts_sync.ts", {
        servers: started.map(({ here }) => here.v4),
        pool: { hostname: POOL, addresses: started.map(({ here }) => here.v6) },
        ca: authority.cert,
        seconds: 8,
      });
      followed.catch(() => {});
      for (const { peer, role, confined, here } of started) {
        const subject = { peer: peer.name, version: peer.version, role: `server ${role}, NTPSync` };
        await report.check(
          { ...subject, runtime: `${runtime.name} ${runtime.version}` },
          async () => {
            const sources = await followed;
            const seen = [["server", here.v4], ["pool", here.v6]].map(([kind, hostname]) =>
              judgeSource(
                kind,
                sources.find((one) => one.kind === kind && one.hostname === hostname),
              )
            );
            return { offset: seen[0].offset, note: "by its name, and of a pool" };
          },
          () => confined.output,
        );
      }
    }));
  } finally {
    await Promise.all(started.map(({ confined }) => confined.stop()));
    star.remove();
  }
}

/**
 * @param {any} answer a line of programs/nts_client.ts
 * @param {import("../peers/seen.mjs").Announced} expected
 * @param {number} aead
 */
function judge(answer, expected, aead) {
  if (answer?.offset === undefined) throw new Error(answer?.message ?? "no answer");
  const { authentication, offset, samples, exchanges, cookies } = answer;
  if (authentication !== "nts") throw new Error(`authentication ${authentication}`);
  const seen = { ...answer, refid: refidText(answer.referenceId) };
  for (const key of /** @type {const} */ (["stratum", "refid"])) {
    if (seen[key] !== expected[key]) {
      throw new Error(`saw ${key} ${seen[key]}, not ${expected[key]}`);
    }
  }
  if (!(Math.abs(offset) < 0.05)) throw new Error(`offset ${offset} s`);
  if (samples !== 3 || exchanges !== 1 || cookies !== 8 || answer.aead !== aead) {
    throw new Error(`${samples} samples, ${exchanges} exchanges, ${cookies} cookies`);
  }
  return seen;
}

/**
 * @param {string} kind
 * @param {any} source a line of programs/nts_sync.ts
 */
function judgeSource(kind, source) {
  const { authentication, error, offset, reach } = source ?? {};
  if (source === undefined || error !== undefined || authentication !== "nts" || reach === 0) {
    throw new Error(`as ${kind}: ${JSON.stringify(source)}`);
  }
  if (!(Math.abs(offset) < 0.05)) throw new Error(`as ${kind}: offset ${offset} s`);
  return source;
}

/**
 * Our client asks chronyd all the time, and what can happen to it happens.
 *
 * @param {import("../run.mjs").World} world
 * @param {ours.Runtime} runtime
 * @param {Authority} authority
 */
async function goThroughTrouble({ peers, report }, runtime, authority) {
  const peer = /** @type {import("../peers.mjs").Peer} */ (peers.get("chrony@sid"));
  const star = new Star();
  const { namespace, here } = star.join();
  const confined = new Confined(peer, namespace);
  const dump = join(confined.folder, "dump");
  mkdirSync(dump, { mode: 0o700 });
  const { cert, key } = writeIdentity(confined, authority.issue([here.v4]));
  const settings = ["local stratum 1", "allow all", `ntsservercert ${cert}`, `ntsserverkey ${key}`];
  const start = async () => {
    const lines = [...settings, "ntsprocesses 0", "ntsdumpdir /instance/dump", "ntsrotate 4"];
    const child = chrony.start(confined, lines, { seconds: 240 });
    await child.wrote(/Running with root privileges/, 10);
    return child;
  };
  const subject = {
    peer: peer.name,
    version: peer.version,
    runtime: `${runtime.name} ${runtime.version}`,
  };
  let daemon = await start();
  const options = { hostname: here.v4, ca: authority.cert };
  const client = ours.start(runtime, star.hub, "nts_asking.ts", options, { seconds: 240 });
  const output = () => `${client.output.slice(-2000)}\n${confined.output.slice(-2000)}`;
  /** @returns {{ heard: any, session: { exchanges: number, authentic: number, refused: number }, toLose: number } | undefined} */
  const last = () => {
    const line = client.stdout.trimEnd().split("\n").at(-1);
    return line?.endsWith("}") ? JSON.parse(line) : undefined;
  };
  /**
   * Waits until so many more replies were authentic.
   *
   * @param {number} more
   * @param {number} seconds
   */
  const authentic = (more, seconds) => {
    const before = last()?.session.authentic ?? 0;
    return eventually(`${more} authentic replies`, seconds, () => {
      const now = last();
      return now && now.session.authentic >= before + more ? now.session : undefined;
    });
  };
  /**
   * @param {string} role
   * @param {() => Promise<string>} attempt
   */
  const check = (role, attempt) =>
    report.check({ ...subject, role }, async () => ({ note: await attempt() }), output);
  try {
    await check("server, rotations", async () => {
      const { exchanges, refused } = await authentic(40, 60);
      if (exchanges !== 1 || refused > 0) {
        throw new Error(`${exchanges} exchanges, ${refused} NTSN`);
      }
      return "a new key every 4 s, 1 key exchange, no NTSN";
    });
    await check("server, 8 replies lost", async () => {
      client.write("lose 8\n");
      await eventually("8 requests", 60, () => last()?.toLose === 0 ? true : undefined);
      const { exchanges } = await authentic(4, 60);
      return `8 lost, then time again; ${exchanges} key exchanges in all`;
    });
    await check("server, keys kept", async () => {
      const { exchanges } = await authentic(10, 60);
      await daemon.stop();
      daemon = await start();
      const after = await authentic(4, 60);
      if (after.refused > 0) throw new Error(`${after.refused} NTSN`);
      return `no NTSN, ${after.exchanges - exchanges} key exchanges`;
    });
    await check("server, keys lost", async () => {
      await daemon.stop();
      rmSync(dump, { recursive: true });
      mkdirSync(dump, { mode: 0o700 });
      daemon = await start();
      const { refused, exchanges } = await authentic(4, 60);
      if (refused === 0) throw new Error("no NTSN");
      return `${refused} NTSN, then time again; ${exchanges} key exchanges in all`;
    });
  } finally {
    await client.stop();
    await confined.stop();
    star.remove();
  }
}
