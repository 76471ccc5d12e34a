// npm run bench:server: requests per second, CPU time per request and latency of our server on each
// runtime, and of chronyd, in turns in the same run. README.md says how to read it.

import { fileURLToPath } from "node:url";
import { runArguments } from "../tools/launch.mjs";
import { RUNTIMES, runtimes } from "../tools/runtimes.mjs";
import { findChronyd } from "./lib/chronyd.mjs";
import { Contest } from "./lib/contest.mjs";
import { buildLoad } from "./lib/load.mjs";
import { describeMachine, warnIfBusy } from "./lib/machine.mjs";
import { readOptions } from "./lib/options.mjs";
import { choosePath } from "./lib/path.mjs";
import { publish, Report } from "./lib/report.mjs";

const BASELINE = "chronyd noclientlog";
/** Latency is measured at this rate, or at half of what the server can do where that is less. */
const RATE = 20_000;
/** Requests outstanding at saturation: fewer than the kernel's default buffer holds, so none is lost. */
const WINDOW = 128;

const options = readOptions("bench:server", {
  rounds: [3, 7],
  extra: { path: "namespaces (default when root) or loopback" },
});
const times = options.quick
  ? { warm: 0.15, seconds: 0.5, first: 0.6 }
  : { warm: 0.4, seconds: 2, first: 2 };

const log = (/** @type {string} */ line) => console.error(line);

/** @returns {Promise<{ subjects: import("./lib/contest.mjs").Subject[], versions: Record<string, string> }>} */
async function findSubjects() {
  const chronyd = await findChronyd();
  const found = Object.values(await runtimes(RUNTIMES, log));
  const file = fileURLToPath(new URL("portable_server.ts", import.meta.url));
  const all = [
    { name: BASELINE, command: chronyd.command(["noclientlog"]) },
    // Limits that nobody reaches: its work is done, and nothing is dropped.
    { name: "chronyd ratelimit", command: chronyd.command(["ratelimit interval -19 burst 255"]) },
    ...found.map(({ name, path }) => ({
      name: `portable ${name}`,
      command: (
        /** @type {string} */ hostname,
        /** @type {number} */ port,
      ) => [path, ...runArguments(name, file, [hostname, String(port)], true)],
    })),
  ];
  const { only } = options;
  const subjects = all.filter(({ name }) =>
    name === BASELINE || only.length === 0 || only.some((text) => name.includes(text))
  );
  return {
    subjects,
    versions: Object.fromEntries([
      ["chronyd", chronyd.version],
      ...found.map(({ name, version }) => [name, version]),
    ]),
  };
}

async function main() {
  const program = buildLoad();
  const { subjects, versions } = await findSubjects();
  const path = choosePath(options.extra.path);
  const machine = describeMachine({ network: path.kind, versions });
  if (!path.cores) machine.warnings.push("only one core: server and load generator share it");
  await warnIfBusy(machine);
  const report = new Report("server", machine, { text: BASELINE, of: () => BASELINE });
  const contest = new Contest(path, program);
  log(`${path.kind}; ${options.rounds} rounds of ${subjects.map(({ name }) => name).join(", ")}`);
  try {
    const lifetime = 60 + (options.rounds + 1) * subjects.length * 15;
    const contestants = [];
    for (const subject of subjects) {
      const contestant = await contest.start(subject, lifetime);
      contestants.push({ ...contestant, rate: await findRate(contest, contestant) });
    }
    for (let round = 0; round < options.rounds; round++) {
      for (let i = 0; i < contestants.length; i++) {
        // Nobody is always first, or always behind the same other one.
        const contestant = contestants[(i + round) % contestants.length];
        await measure(contest, contestant, report, `round ${round + 1}/${options.rounds}`);
      }
    }
  } finally {
    await contest.stop();
  }
  machine.warnings.push(...contest.warnings);
  publish(report, options, machine.warnings);
}

/**
 * Warms a server up, and finds the rate at which its latency is measured.
 *
 * @param {Contest} contest
 * @param {import("./lib/contest.mjs").Contestant} contestant
 */
async function findRate(contest, contestant) {
  let most = 0;
  // Its compiler, or somebody else on the machine, may be in the way at first.
  for (let attempt = 0; attempt < 3 && most < RATE / 0.8; attempt++) {
    const { perSecond } = await contest.load(contestant, {
      window: WINDOW,
      warm: times.first,
      seconds: 0.3,
    });
    most = Math.max(most, perSecond);
  }
  if (most >= RATE / 0.8) return RATE;
  const rate = Math.max(100, Math.floor(most / 2000) * 1000);
  contest.warnings.add(
    `p50 and p99 of ${contestant.name} are at ${rate}/s: it cannot do ${RATE}/s`,
  );
  return rate;
}

/**
 * One round of one server.
 *
 * @param {Contest} contest
 * @param {import("./lib/contest.mjs").Contestant & { rate: number }} contestant
 * @param {Report} report
 * @param {string} round
 */
async function measure(contest, contestant, report, round) {
  const { name, rate } = contestant;
  const full = await contest.load(contestant, { window: WINDOW, ...times });
  const steady = await contest.load(contestant, { rate, ...times });
  if (full.answered === 0 || steady.answered === 0) {
    throw new Error(`${name} has stopped answering`);
  }
  report.add(name, "requests/s", "1/s", full.perSecond);
  report.add(name, "cpu us/request", "us", full.server.cpuUsPerRequest);
  report.add(name, "p50 us", "us", steady.latencyUs.p50);
  report.add(name, "p99 us", "us", steady.latencyUs.p99);
  for (
    const [what, { loss, kissed, invalid }] of /** @type {const} */ ([
      ["at saturation", full],
      [`at ${rate}/s`, steady],
    ])
  ) {
    if (loss > 0.01) contest.warnings.add(`${name} lost ${(loss * 100).toFixed(1)} % ${what}`);
    if (kissed + invalid > 0) {
      contest.warnings.add(`${name} gave ${kissed} kisses, ${invalid} invalid replies ${what}`);
    }
  }
  if (full.generator.idle < 0.02 && full.server.core < 0.85) {
    contest.warnings.add(`requests/s of ${name} may be the load generator's limit`);
  }
  log(
    `${round}  ${name.padEnd(20)} ${Math.round(full.perSecond)}/s, ${
      full.server.cpuUsPerRequest.toFixed(2)
    } us` +
      ` (server ${percent(full.server.cpu)}, its core ${
        percent(full.server.core)
      }, generator idle` +
      ` ${percent(full.generator.idle)}); p50 ${steady.latencyUs.p50.toFixed(1)}, p99 ${
        steady.latencyUs.p99.toFixed(1)
      } us`,
  );
}

/** @param {number} share */
function percent(share) {
  return `${Math.round(share * 100)} %`;
}

try {
  await main();
  process.exit(0);
} catch (error) {
  console.error(`bench:server: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
