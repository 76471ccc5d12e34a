// Reference clocks. A server of ours on a receiver that gpsd reads: chronyd accepts it; without antenna
// it holds over, then serves no time, and comes back. chronyd and ntpd take time from us, and we take it
// from gpsd and from a program in C, through shared memory and a socket.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child, eventually } from "../children.mjs";
import { Confined } from "../confined.mjs";
import { start } from "../ours.mjs";
import * as chrony from "../peers/chrony.mjs";
import * as ntpd from "../peers/ntpd.mjs";
import { tolerance } from "../peers/seen.mjs";
import { Machine } from "../reference/machine.mjs";
import { compileTeller, ntps } from "../reference/ours.mjs";

export const peers = ["chrony", "gpsd", "ntp"];

const RECEIVER = 10110, SERVE = 1231;
/** Seconds that our server serves without its receiver. */
const HOLDOVER = 6;
/** A message tells the time to within this, in seconds. */
const MESSAGE = 0.2;
/** How far what tells the time is ahead of the machine's clock, in seconds. */
const AHEAD = 0.05;
/** Segments of shared memory: gpsd's, the teller's, and ours for chronyd and for ntpd. */
const GPSD_UNIT = 0, TELLER_UNIT = 9, CHRONYD_UNIT = 5, NTPD_UNIT = 6;

/** @typedef {import("../run.mjs").World} World */

/** @param {World} world */
export async function run(world) {
  const folder = mkdtempSync(join(tmpdir(), "ntps-teller-"));
  try {
    const teller = compileTeller(folder);
    await Promise.all(world.runtimes.map((runtime) => runOn(runtime, world, teller)));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * @param {import("../ours.mjs").Runtime} runtime
 * @param {World} world
 * @param {string} teller path of a program
 */
async function runOn(runtime, { peers, runtimes, report }, teller) {
  const of = (
    /** @type {string} */ name,
  ) => /** @type {import("../peers.mjs").Peer} */ (peers.get(name));
  const subject = (/** @type {string} */ peer, /** @type {string} */ role) => ({
    ...{ peer, version: peers.get(peer)?.version ?? "", role },
    runtime: `${runtime.name} ${runtime.version}`,
  });
  // The receiver is no part of what is tried.
  const helper = runtimes.find(({ name }) => name === "node") ?? runtimes[0];
  const machine = await Machine.make();
  const gpsd = new Confined(of("gpsd"), machine);
  const below = new Confined(of("chrony"), machine), told = new Confined(of("chrony"), machine);
  const toldToo = new Confined(of("ntp"), machine);
  const inC = new Child(
    "teller",
    machine.command([
      teller,
      ...[`${TELLER_UNIT}`, `${gpsd.folder}/ours.sock`, `${AHEAD * 1e6}`],
    ]),
  );
  const receiver = start(helper, machine, "receiver.ts", { port: RECEIVER });
  const server = ntps(runtime, machine, [
    ...["serve", "--address", "127.0.0.1", "--port", `${SERVE}`],
    ...["--refclock", "gpsd:127.0.0.1", "--max-holdover", `${HOLDOVER}s`],
  ]);
  const taking = start(runtime, machine, "taking.ts", {
    clocks: [
      { kind: "shm", options: { unit: GPSD_UNIT, refid: "GPSD", maxError: MESSAGE } },
      { kind: "shm", options: { unit: TELLER_UNIT, refid: "SHM" } },
      { kind: "sock", options: { path: `${gpsd.folder}/ours.sock`, refid: "SOCK" } },
    ],
  });
  const telling = start(runtime, machine, "telling.ts", {
    ...{ ahead: AHEAD, units: [CHRONYD_UNIT, NTPD_UNIT] },
    path: `${told.folder}/ours.sock`,
  });
  const output = () => `${gpsd.output}\n--- ntps\n${server.output}`;

  const serving = async () => {
    await report.check(subject("gpsd", "serve --refclock: lock"), async () => {
      await server.wrote(/gpsd:127\.0\.0\.1 locked; stratum 1, reference GPS/, 45);
      return {};
    }, output);
    await report.check(subject("chrony", "chronyd below that"), async () => {
      const seen = await chrony.client(below, "127.0.0.1", { options: `port ${SERVE}` });
      if (seen.stratum !== 1) throw new Error(`saw stratum ${seen.stratum}, not 1`);
      if (seen.refid !== "GPS") throw new Error(`saw refid ${seen.refid}, not GPS`);
      if (!(Math.abs(seen.offset) < MESSAGE)) throw new Error(`offset ${seen.offset} s`);
      return seen;
    }, () => below.output);
    await report.check(subject("gpsd", "lost, held over, back"), async () => {
      receiver.write("off\n");
      await server.wrote(/holdover[^]*not synchronised/, 40);
      receiver.write("on\n");
      await server.wrote(/not synchronised[^]*locked; stratum 1/, 40);
      return {};
    }, output);
  };
  /**
   * @param {string} peer
   * @param {string} role
   * @param {{ refid: string, ahead: number, within: number }} expected
   */
  const taken = (peer, role, { refid, ahead, within }) =>
    report.check(subject(peer, role), async () => {
      const line = new RegExp(`^\\{"refid":"${refid}".*\\}$`, "gm");
      await taking.wrote(new RegExp(line.source, "m"), 45);
      return await eventually("a clock that is right", 10, () => {
        const seen = JSON.parse(taking.output.match(line)?.at(-1) ?? "{}");
        const offset = seen.ahead - ahead;
        const isRight = seen.stratum === 1 && Math.abs(offset) < within;
        return isRight ? { stratum: 1, refid, offset } : undefined;
      });
    }, () => `${gpsd.output}\n--- taking.ts\n${taking.output}`);

  try {
    await receiver.wrote(/"ready"/, 20);
    gpsd.start(["/usr/sbin/gpsd", "-N", "-n", `tcp://127.0.0.1:${RECEIVER}`]);
    await Promise.all([
      serving(),
      taken("gpsd", "ShmClock", { refid: "GPSD", ahead: 0, within: MESSAGE }),
      taken("C", "ShmClock", { refid: "SHM", ahead: AHEAD, within: tolerance }),
      taken("C", "SockClock", { refid: "SOCK", ahead: AHEAD, within: tolerance }),
      report.check(subject("chrony", "refclock SHM and SOCK"), async () => {
        await telling.wrote(/"ready"/, 30);
        return await toChronyd(told);
      }, () => `${told.output}\n--- telling.ts\n${telling.output}`),
      report.check(subject("ntp", "SHM, 127.127.28"), async () => {
        await telling.wrote(/"ready"/, 30);
        return await toNtpd(toldToo);
      }, () => `${toldToo.output}\n--- telling.ts\n${telling.output}`),
    ]);
  } finally {
    const children = [receiver, server, taking, telling, inC, gpsd, below, told, toldToo];
    await Promise.all(children.map((child) => child.stop()));
    await machine.end();
  }
}

/**
 * chronyd on what we tell it, by both ways at once.
 *
 * @param {Confined} confined
 */
async function toChronyd(confined) {
  chrony.start(confined, [
    `refclock SHM ${CHRONYD_UNIT} refid OURM dpoll -2 poll 0`,
    "refclock SOCK /instance/ours.sock refid OURS dpoll -2 poll 0",
  ]);
  return await eventually("chronyd following both", 40, async () => {
    const rows = (await chrony.ask(confined, "sources")).trim().split("\n");
    const good = rows.map((row) => row.split(",")).filter(([mode, state, , , , , , offset]) =>
      mode === "#" && "*+-".includes(state) && Math.abs(Number(offset)) < tolerance
    );
    // Of what it keeps to itself instead of setting the clock.
    const [, refid, stratum, , behind] = (await chrony.ask(confined, "tracking")).split(",");
    const offset = Number(behind) - AHEAD;
    if (good.length !== 2 || !(Math.abs(offset) < tolerance)) return undefined;
    return { stratum: Number(stratum), refid, offset };
  });
}

/**
 * ntpd on what we tell it.
 *
 * @param {Confined} confined
 */
async function toNtpd(confined) {
  ntpd.start(confined, [
    `server 127.127.28.${NTPD_UNIT} minpoll 3 maxpoll 3`,
    `fudge 127.127.28.${NTPD_UNIT} refid OURS`,
  ]);
  return await eventually("ntpd following us", 40, async () => {
    const variables = await ntpd.ask(confined, "rv &1");
    const value = (/** @type {string} */ name) =>
      new RegExp(`\\b${name}=([^,\\s]+)`).exec(variables)?.[1];
    const offset = Number(value("offset")) / 1000 - AHEAD;
    if (!variables.includes("sel_sys.peer") || !(Math.abs(offset) < tolerance)) return undefined;
    return { stratum: 0, refid: value("refid"), offset };
  });
}
