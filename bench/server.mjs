// npm run bench:server: our server on each runtime and by each transport, next to other daemons and to
// the least that one in C can cost: how much, how quickly, how exactly. In turns in the same run.
// README.md says how to read it.

import { judge, verdictTable } from "./lib/bars.mjs";
import { Contest } from "./lib/contest.mjs";
import { runAccuracy, timeToFirstAnswer } from "./lib/load.mjs";
import { describeMachine, warnIfBusy } from "./lib/machine.mjs";
import { conclude, MEASURES, warmUp } from "./lib/measures.mjs";
import { readOptions } from "./lib/options.mjs";
import { chooseKind, makePath } from "./lib/path.mjs";
import { Server } from "./lib/process.mjs";
import { publish, Report } from "./lib/report.mjs";
import { signRequestsWith } from "./lib/signer.mjs";
import { BASELINE_C, findSubjects, NOCLIENTLOG, RATELIMIT } from "./lib/subjects.mjs";
import { compile } from "./lib/compile.mjs";

const options = readOptions("bench:server", {
  rounds: [2, 7],
  extra: {
    path: "namespaces (default when root) or loopback",
    subjects: "TEXT,…: as --only for each TEXT",
    measures: `which of ${Object.keys(MEASURES).join(", ")}`,
  },
});
const times = options.quick
  ? { warm: 0.1, seconds: 0.3, first: 0.5, accuracy: 0.3, learning: 0.5 }
  : { warm: 0.4, seconds: 1.5, first: 1.5, accuracy: 1, learning: 5 };

const log = (/** @type {string} */ line) => console.error(line);

/** @param {string | undefined} text */
const listOf = (text) => text === undefined ? [] : text.split(",").filter(Boolean);

/** @returns {(keyof typeof MEASURES)[]} */
function chosenMeasures() {
  const all = /** @type {(keyof typeof MEASURES)[]} */ (Object.keys(MEASURES));
  const asked = listOf(options.extra.measures);
  for (const name of asked) {
    if (!Object.hasOwn(MEASURES, name)) {
      throw new Error(`--measures ${name}: there are ${all.join(", ")}`);
    }
  }
  return all.filter((name) =>
    asked.length > 0 ? asked.includes(name) : !options.quick || MEASURES[name].quick
  );
}

/**
 * How long a datagram is on its way, from the kernel's stamp of its departure to that of its arrival.
 *
 * @param {import("./lib/path.mjs").Path["kind"]} kind
 */
async function measureTransit(kind) {
  const path = makePath(kind);
  const command = [compile("baseline"), "--address", path.hostname, "--port", String(path.port)];
  const server = new Server(BASELINE_C, path.atServer(command), {
    seconds: 30,
    core: path.cores?.server,
  });
  try {
    // Until it is there.
    await timeToFirstAnswer(path, path.port, { start: () => server.gone, anyStratum: false });
    const { outwardNs } = await runAccuracy(path, {
      port: path.port,
      rate: 500,
      seconds: 0.5,
      transitNs: 0,
    });
    return outwardNs.p50;
  } finally {
    await server.stop();
    path.remove();
  }
}

async function main() {
  const measures = chosenMeasures();
  const kind = chooseKind(options.extra.path);
  const only = [...options.only, ...listOf(options.extra.subjects)];
  const { subjects, versions } = await findSubjects({ only, quick: options.quick, kind, log });
  if (measures.includes("mac")) signRequestsWith();
  const machine = describeMachine({ network: kind, versions, cannotRun: {} });
  const contest = new Contest(kind);
  await warnIfBusy(machine);
  const report = new Report("server", machine, {
    text: NOCLIENTLOG,
    of: () => NOCLIENTLOG,
    all: [NOCLIENTLOG, RATELIMIT, BASELINE_C],
  });
  log(`${kind}; ${options.rounds} rounds of ${subjects.map(({ name }) => name).join(", ")}`);
  try {
    const transitNs = await measureTransit(kind);
    machine.transitNs = transitNs;
    const lifetime = 120 + (options.rounds + 1) * subjects.length * 20;
    const contestants = [];
    for (const subject of subjects) {
      const starts = measures.includes("start") && !options.quick ? options.rounds + 1 : 1;
      const contestant = await contest.start(subject, { seconds: lifetime, times: starts });
      if (typeof contestant === "string") {
        log(`${subject.name} cannot run: ${contestant}`);
        machine.cannotRun[subject.name] = contestant;
        machine.warnings.push(`${subject.name} cannot run: ${contestant}`);
        continue;
      }
      if (!contestant.path.cores) {
        contest.warnings.add("only one core: server and load generator share it");
      }
      if (measures.includes("start") && !subject.anyStratum) {
        for (const ms of contestant.startMs) report.add(subject.name, "start ms", "ms", ms);
      }
      contestants.push(await warmUp(contest, contestant, times.first));
      if (measures.includes("idle")) {
        // A server that learns from its replies has learned of those that come alone, too.
        await contest.accuracy(contestant, { seconds: times.learning, transitNs });
      }
      log(`${subject.name} has started, in ${contestant.startMs.map(Math.round).join(", ")} ms`);
    }
    for (let round = 0; round < options.rounds; round++) {
      for (let i = 0; i < contestants.length; i++) {
        // Nobody is always first, or always behind the same other one.
        const contestant = contestants[(i + round) % contestants.length];
        const said = [];
        for (const name of measures) {
          said.push(await MEASURES[name].run({ contest, report, times, transitNs }, contestant));
        }
        const text = said.filter(Boolean).join("\n").replaceAll("\n", `\n${" ".repeat(12)}`);
        log(`round ${round + 1}/${options.rounds}  ${contestant.name}\n${" ".repeat(12)}${text}`);
      }
    }
    for (const contestant of contestants) conclude(report, contestant);
  } finally {
    await contest.stop();
  }
  machine.warnings.push(...contest.warnings);
  const verdicts = judge(report.rows);
  report.more = { bars: verdicts };
  publish(report, options, machine.warnings);
  if (!options.json && verdicts.length > 0) console.log(`\n${verdictTable(verdicts)}`);
}

try {
  await main();
  process.exit(0);
} catch (error) {
  console.error(`bench:server: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
