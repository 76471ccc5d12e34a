import { best, refidText, settled } from "./seen.mjs";

const daemon = ["/usr/sbin/chronyd", "-x", "-u", "root"];

/**
 * `chronyd -Q`: measures once and ends; it succeeds only if it accepts the server.
 *
 * @param {import("../confined.mjs").Confined} confined
 * @param {string} address
 * @returns {Promise<import("./seen.mjs").Seen>}
 */
export function once(confined, address) {
  return best(() => measure(confined, address));
}

/**
 * @param {import("../confined.mjs").Confined} confined
 * @param {string} address
 */
async function measure(confined, address) {
  const { output, status } = await confined.run([
    ...daemon,
    ...["-Q", "-t", "20", "-f", "/dev/null", `server ${address} iburst`, "pidfile /run/once.pid"],
  ]);
  const found = /System clock wrong by (\S+) seconds/.exec(output);
  if (status !== 0 || !found) throw new Error(`chronyd -Q took no time (status ${status})`);
  return { offset: Number(found[1]) };
}

/**
 * The daemon, until it has selected its server.
 *
 * @param {import("../confined.mjs").Confined} confined
 * @param {string} address
 * @param {{ options?: string, settings?: string[] }} [more] `options` of the server line, and lines besides
 * @returns {Promise<import("./seen.mjs").Seen>}
 */
export async function client(confined, address, { options = "", settings = [] } = {}) {
  const lines = [`server ${address} iburst minpoll 2 maxpoll 2 ${options}`, ...settings];
  start(confined, lines);
  return await settled(`chronyd selecting ${address}`, 40, async () => {
    const sources = await ask(confined, "sources");
    if (!sources.includes("^,*,")) return undefined;
    const data = (await ask(confined, "ntpdata")).split(",");
    return {
      stratum: Number(data[8]),
      refid: refidText(parseInt(data[15], 16)),
      offset: Number(data[18]),
    };
  });
}

/**
 * A server on its own clock, as if that were a reference.
 *
 * @param {import("../confined.mjs").Confined} confined
 * @param {{ settings?: string[] }} [more] lines besides
 * @returns {Promise<import("./seen.mjs").Announced>}
 */
export async function server(confined, { settings = [] } = {}) {
  const child = start(confined, ["local stratum 1", "allow all", ...settings]);
  await child.wrote(/Running with root privileges/, 10);
  return { stratum: 1, refid: "127.127.1.1" };
}

/**
 * @param {import("../confined.mjs").Confined} confined
 * @param {string[]} lines
 * @param {{ seconds?: number }} [options] how long it may run
 */
export function start(confined, lines, options) {
  const file = confined.write(
    "chrony.conf",
    [
      ...lines,
      "cmdport 0",
      "bindcmdaddress /instance/chronyd.sock",
      "pidfile /run/chronyd.pid",
      "",
    ].join("\n"),
  );
  return confined.start([...daemon, "-d", "-f", file], options);
}

/**
 * What `chronyc` answers, as comma-separated values.
 *
 * @param {import("../confined.mjs").Confined} confined
 * @param {string} question
 */
export async function ask(confined, question) {
  const [, minor] = confined.peer.version.split(".").map(Number);
  return (await confined.run([
    "/usr/bin/chronyc",
    // From some version on it becomes another user, who may not look into the folder.
    ...(minor >= 8 ? ["-u", "root"] : []),
    "-h",
    "/instance/chronyd.sock",
    "-c",
    "-n",
    question,
  ])).stdout;
}
