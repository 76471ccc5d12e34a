import { eventually } from "../children.mjs";

/**
 * Captures what goes in and out at port 123 of a namespace.
 *
 * @param {import("../confined.mjs").Confined} confined
 * @returns {Promise<{ end(count: number): Promise<Frame[]> }>} `end` waits until there are so many
 * frames and dissects them
 */
export async function capture(confined) {
  const file = "/instance/capture.pcapng";
  const child = confined.start([
    "/usr/bin/dumpcap",
    "-p",
    "-i",
    "v0",
    "-f",
    "udp port 123",
    "-w",
    file,
  ]);
  await child.wrote(/^File: /m, 20);
  return {
    async end(count) {
      await eventually(`capturing ${count} frames`, 10, () => {
        const counts = [...child.output.matchAll(/Packets: (\d+)/g)];
        return Number(counts.at(-1)?.[1]) >= count ? true : undefined;
      });
      await child.stop("SIGINT");
      return await dissect(confined, file);
    },
  };
}

/**
 * @typedef {Record<string, string>} Frame the fields of `columns` by name, as tshark prints them; one
 * that occurs more than once has commas in between
 */

const columns = [
  ...["frame.number", "udp.srcport", "udp.dstport", "udp.payload", "_ws.col.protocol"],
  ...["_ws.malformed", "_ws.expert.message"],
  ...[
    "ntp.flags.li",
    "ntp.flags.vn",
    "ntp.flags.mode",
    "ntp.stratum",
    "ntp.ppoll",
    "ntp.precision",
  ],
  ...["ntp.rootdelay", "ntp.rootdispersion", "ntp.refid"],
  ...["ntp.reftime", "ntp.org", "ntp.rec", "ntp.xmt"],
  ...["ntp.ext.type", "ntp.ext.length", "ntp.ext.value", "ntp.keyid", "ntp.mac"],
];

/**
 * @param {import("../confined.mjs").Confined} confined
 * @param {string} file
 * @returns {Promise<Frame[]>}
 */
async function dissect(confined, file) {
  const { stdout, status } = await confined.run([
    ...["/usr/bin/tshark", "-r", file, "-T", "fields", "-E", "separator=|"],
    ...columns.flatMap((column) => ["-e", column]),
  ]);
  if (status !== 0) throw new Error(`tshark could not read the capture (status ${status})`);
  return stdout.split("\n").filter(Boolean).map((line) => {
    const cells = line.split("|");
    return Object.fromEntries(columns.map((column, i) => [column, cells[i]]));
  });
}

/**
 * A timestamp as tshark prints it.
 *
 * @param {bigint} timestamp
 */
export function shownTimestamp(timestamp) {
  if (timestamp === 0n) return "NULL";
  // RFC 4330 §3: without the top bit it is of the era that begins in 2036.
  const era = timestamp >> 63n === 0n ? 1n << 32n : 0n;
  const seconds = (timestamp >> 32n) + era - 2208988800n;
  const nanoseconds = ((timestamp & 0xffffffffn) * 1_000_000_000n) >> 32n;
  const [, day, month, year, time] = new Date(Number(seconds) * 1000).toUTCString().split(" ");
  const shownDay = day.replace(/^0/, " ");
  return `${month} ${shownDay}, ${year} ${time}.${String(nanoseconds).padStart(9, "0")} UTC`;
}
