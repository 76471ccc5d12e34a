import { refidText, settled } from "./seen.mjs";

const configuration = "/instance/ntp.toml";

/**
 * The daemon, until it has taken time from its server.
 *
 * @param {import("../confined.mjs").Confined} confined
 * @param {string} address
 * @param {{ source?: string[], consensus?: boolean }} [more] `source`: lines of the source instead of a plain
 * server's; `consensus`: whether it must be sure enough of one source to follow it, not only take its
 * replies
 * @returns {Promise<import("./seen.mjs").Seen>}
 */
export async function client(confined, address, { source, consensus = true } = {}) {
  const quoted = address.includes(":") ? `[${address}]:123` : address;
  const child = start(confined, [
    "[[source]]",
    ...(source ?? ['mode = "server"', `address = "${quoted}"`]),
    "[synchronization]",
    "minimum-agreeing-sources = 1",
  ]);
  return await settled(`ntpd-rs taking time from ${address}`, 60, async () => {
    const status = (await confined.run(["/usr/bin/ntp-ctl", "-c", configuration, "status"])).stdout;
    // 10.77.1.1:123/10.77.1.1:123 (1): -0.000072±0.012080(±0.000146)s
    const offset = /\(\d+\): (\S+?)±/.exec(status)?.[1] ?? // up to 1.4
      /^\s*Offset:\s+(\S+)$/m.exec(status)?.[1];
    // The control program does not tell these two; the log does.
    const updates = child.output.matchAll(
      /stratum: (\d+), reference_id: ReferenceId\((\d+)\)[^\n]*message: Some/g,
    );
    const update = [...updates].at(-1);
    // One's own stratum is 16 until a source was taken.
    if (!offset || !update || (consensus && /^Stratum: 16$/m.test(status))) return undefined;
    return {
      offset: Number(offset),
      stratum: Number(update[1]),
      refid: refidText(Number(update[2])),
    };
  });
}

/**
 * A server on its own clock, as if that were a reference.
 *
 * @param {import("../confined.mjs").Confined} confined
 * @param {{ settings?: string[], listener?: string[] }} [more] lines besides; `listener`, of its server
 * @returns {Promise<import("./seen.mjs").Announced>}
 */
export async function server(confined, { settings = [], listener = [] } = {}) {
  const child = start(confined, [
    "[[server]]",
    'listen = "[::]:123"',
    ...listener,
    "[synchronization]",
    "local-stratum = 1",
    ...settings,
  ]);
  await child.wrote(/Configuration loaded/, 10);
  return { stratum: 1, refid: "XNON" }; // its own choice, not configurable
}

/**
 * @param {import("../confined.mjs").Confined} confined
 * @param {string[]} lines
 */
export function start(confined, lines) {
  const observe = ["[observability]", 'log-level = "debug"', "ansi-colors = false"];
  const socket = ['observation-path = "/run/ntpd-rs.sock"'];
  confined.write("ntp.toml", [...observe, ...socket, ...lines, ""].join("\n"));
  return confined.start(["/usr/bin/ntp-daemon", "-c", configuration]);
}
