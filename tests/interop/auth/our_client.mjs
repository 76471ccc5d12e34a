// Our client takes authenticated time from the peers' servers, and neither side believes the other when
// something is wrong.

import { Confined } from "../confined.mjs";
import { Star } from "../namespaces.mjs";
import * as ours from "../ours.mjs";
import * as chrony from "../peers/chrony.mjs";
import * as ntpd from "../peers/ntpd.mjs";
import { sendForgedRequests } from "./forged_requests.mjs";
import { keysOf, renumbered, settingsOf, textOf, unknownId } from "./keys.mjs";
import { forgeries, startRelay } from "./relay.mjs";

const servers = [
  { peer: "chrony", role: "chronyd", start: chrony.server },
  { peer: "ntp", role: "ntpd", start: ntpd.server },
  { peer: "ntpsec", role: "ntpd", start: ntpd.server },
];

/** First port of the relay, one for each forgery. */
const relayPort = 2000;

/** @param {import("../run.mjs").World} world */
export async function run({ peers, runtimes, report }) {
  const star = new Star();
  const started = servers.map(({ peer: name, role, start }) => {
    const peer = /** @type {import("../peers.mjs").Peer} */ (peers.get(name));
    const { namespace, here } = star.join();
    const confined = new Confined(peer, namespace);
    const keys = keysOf(name);
    const file = confined.write("keys", textOf(keys));
    const announced = start(confined, { settings: settingsOf(name, file, keys) });
    announced.catch(() => {}); // each check that needs it reports it
    return { peer, role, confined, keys, announced, hostname: here.v4 };
  });
  try {
    await Promise.allSettled(started.map(({ announced }) => announced));
    await Promise.all(runtimes.map(async (runtime, i) => {
      for (const server of started) {
        const subject = { peer: server.peer.name, version: server.peer.version };
        const about = { ...subject, runtime: `${runtime.name} ${runtime.version}` };
        const output = () => server.confined.output;
        /** @type {Answer[]} */
        let answers = [];
        const asked = ask(runtime, star, server, relayPort + 100 * i);
        asked.catch(() => {});
        for (const { type } of server.keys) {
          await report.check({ ...about, role: `${server.role}, ${type}` }, async () => {
            await server.announced;
            answers = await asked;
            return judgeAccepted(answers.filter(({ name }) => name.startsWith(`${type} `)));
          }, output);
        }
        await report.check({ ...about, role: `${server.role}, refused` }, () => {
          return judgeRefused(answers.filter(({ name }) => name.startsWith("refuse ")));
        }, output);
        await report.check({ ...about, role: `${server.role}, forged requests` }, () => {
          const { hostname, keys } = server;
          const texts = { keys: textOf(keys), others: othersOf(server) };
          return sendForgedRequests(runtime, star.hub, { hostname, ...texts });
        }, output);
      }
    }));
  } finally {
    await Promise.all(started.map(({ confined }) => confined.stop()));
    star.remove();
  }
}

/**
 * @typedef {{ name: string, offset?: number, authentication?: string, code?: string, message?: string }} Answer
 *
 * @typedef {{ peer: import("../peers.mjs").Peer, hostname: string, keys: import("./keys.mjs").Key[] }} Server
 */

/**
 * Keys that a server does not have: one of another secret for each of its own, and one of another
 * identifier.
 *
 * @param {Server} server
 */
function othersOf({ peer, keys }) {
  return textOf([...keysOf(peer.name, 1), renumbered(keys[1], unknownId)]);
}

/**
 * Asks a server in every way, right and wrong.
 *
 * @param {ours.Runtime} runtime
 * @param {Star} star
 * @param {Server} server
 * @param {number} port the relay's first
 * @returns {Promise<Answer[]>}
 */
async function ask(runtime, star, { peer, hostname, keys }, port) {
  const options = { port: 123, timeoutMs: 5000 };
  const key = (/** @type {string} */ type) =>
    /** @type {import("./keys.mjs").Key} */ (keys.find((key) => key.type === type)).line;
  const right = keys.flatMap(({ type, line }) =>
    // Only chrony takes long digests in full, in version 3.
    (peer.name === "chrony" ? [3, 4] : [4]).map((version) => ({
      name: `${type} version ${version}`,
      hostname,
      options: { ...options, version },
      key: line,
    }))
  );
  const wrong = othersOf({ peer, hostname, keys }).trim().split("\n").map((line) => ({
    name: `refuse a key of others, ${line.split(" ", 2).join(" ")}`,
    hostname,
    options: { ...options, timeoutMs: 2000 },
    key: line,
  }));
  const forged = [undefined, ...forgeries].flatMap((forgery) =>
    ["SHA1", "AES128"].map((type) => ({ forgery, type }))
  );
  const relayed = forged.map(({ forgery, type }, i) => ({
    name: forgery ? `refuse ${forgery}, ${type}` : `${type} relayed`,
    hostname: "127.0.0.1",
    options: { port: port + i, timeoutMs: 2000 },
    key: key(type),
  }));
  const relay = await startRelay(runtime, star.hub, {
    target: { hostname, port: 123 },
    listen: forged.map(({ forgery }, i) => ({ hostname: "127.0.0.1", port: port + i, forgery })),
  });
  try {
    const targets = [...right, ...wrong, ...relayed];
    const answers = await ours.run(runtime, star.hub, "client.ts", targets);
    relayed.forEach(({ name }, i) => {
      if (relay.relayed(i) === 0) throw new Error(`${name}: there was no reply`);
    });
    return answers;
  } finally {
    await relay.stop();
  }
}

/** @param {Answer[]} answers */
function judgeAccepted(answers) {
  if (answers.length === 0) throw new Error("not asked");
  for (const { name, authentication, message } of answers) {
    if (authentication !== "key") throw new Error(`${name}: ${message ?? authentication}`);
  }
  return { offset: answers[0].offset, note: answers.map(({ name }) => name).join(", ") };
}

/** @param {Answer[]} answers */
function judgeRefused(answers) {
  if (answers.length < 10) throw new Error(`only ${answers.length} were asked`);
  for (const { name, code, message } of answers) {
    if (code !== "authentication" && code !== "timeout") {
      throw new Error(`${name}: ${message ?? "accepted"}`);
    }
  }
  const count = (/** @type {string} */ code) =>
    answers.filter((answer) => answer.code === code).length;
  return { note: `${count("authentication")} not authenticated, ${count("timeout")} timeouts` };
}
