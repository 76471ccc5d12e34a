import { settled } from "./seen.mjs";

/**
 * The daemon, until it takes its server for a valid one.
 *
 * @param {import("../confined.mjs").Confined} confined
 * @param {string} address
 * @returns {Promise<import("./seen.mjs").Seen>}
 */
export async function client(confined, address) {
  const file = confined.write("openntpd.conf", `server ${address}\n`);
  confined.start(["/usr/sbin/ntpd", "-d", "-v", "-f", file, "-p", "/run/openntpd.pid"]);
  return await settled(`openntpd taking ${address} as valid`, 60, async () => {
    const { output } = await confined.run(["/usr/sbin/ntpctl", "-s", "all"]);
    // wt tl st next poll offset delay jitter
    const found = /^ [ *] +\d+ +\d+ +(\d+) +\d+s +\d+s +(\S+)ms +\S+ms +\S+ms/m.exec(output);
    if (!output.includes("1/1 peers valid") || !found) return undefined;
    return { stratum: Number(found[1]), offset: Number(found[2]) / 1000 };
  });
}
