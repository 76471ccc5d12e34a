// npm run soak: one of our servers at 80 % of what it can do, for as long as asked, with its memory,
// its descriptors and its losses watched. README.md says how to read it.

import { parseArgs } from "node:util";
import { Contest } from "./lib/contest.mjs";
import { describeMachine } from "./lib/machine.mjs";
import { warmUp } from "./lib/measures.mjs";
import { chooseKind } from "./lib/path.mjs";
import { median } from "./lib/report.mjs";
import { findSubjects } from "./lib/subjects.mjs";

const usage = `usage: npm run soak -- [option…]
  --minutes N      how long, 0.1 to 1440; default 60
  --subject NAME   which, as bench:server calls it; default "native deno"
  --rate N         requests/s; default 80 % of what it can do
  --path KIND      namespaces (default when root) or loopback
  --json           one JSON object on stdout and nothing else`;

/** Seconds of load between two looks at the server. */
const SLICE = 10;
/** How much the last quarter may have more than the second: MiB, and descriptors. */
const MOST_GROWTH_MIB = 8, MOST_NEW_DESCRIPTORS = 0;
const MOST_LOSS = 0.01;

/** @returns {{ minutes: number, subject: string, rate: number | undefined, path?: string, json: boolean }} */
function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        minutes: { type: "string", default: "60" },
        subject: { type: "string", default: "native deno" },
        rate: { type: "string" },
        path: { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    const minutes = Number(values.minutes), rate = values.rate && Number(values.rate);
    if (!(minutes >= 0.1 && minutes <= 1440)) {
      throw new Error(`--minutes ${values.minutes}: wants 0.1 to 1440`);
    }
    if (rate !== undefined && !(Number(rate) >= 1 && Number(rate) <= 2e6)) {
      throw new Error(`--rate ${values.rate}: wants 1 to 2,000,000`);
    }
    return {
      minutes,
      subject: values.subject,
      rate: rate === undefined ? undefined : Number(rate),
      json: values.json,
      ...(values.path !== undefined && { path: values.path }),
    };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${usage}`);
    process.exit(2);
  }
}

/**
 * Whether figures stay where they are: the first quarter, in which compilers and tables fill, does
 * not count.
 *
 * @param {number[]} values
 */
function growth(values) {
  const quarter = Math.max(1, Math.floor(values.length / 4));
  return median(values.slice(-quarter)) - median(values.slice(quarter, 2 * quarter + 1));
}

async function main() {
  const { minutes, subject: name, rate: asked, path, json } = readArguments();
  const log = (/** @type {string} */ line) => console.error(line);
  const kind = chooseKind(path);
  const { subjects, versions } = await findSubjects({ only: [name], quick: false, kind, log });
  const subject = subjects.find((subject) => subject.name === name);
  if (!subject) throw new Error(`--subject ${name}: bench:server has none of this name`);
  const contest = new Contest(kind);
  const started = new Date();
  try {
    const contestant = await contest.start(subject, { seconds: minutes * 60 + 120 });
    if (typeof contestant === "string") throw new Error(`${name} cannot run: ${contestant}`);
    const { capacity } = await warmUp(contest, contestant, 2);
    const rate = asked ?? Math.round(capacity * 0.8);
    log(`${name} does ${Math.round(capacity)}/s; ${minutes} minutes at ${rate}/s`);
    const samples = [];
    const end = performance.now() + minutes * 60_000;
    let sent = 0, answered = 0, bad = 0;
    for (let left; (left = (end - performance.now()) / 1000) > 0.2;) {
      const result = await contest.load(contestant, {
        rate,
        warm: 0,
        seconds: Math.min(SLICE, left),
        clients: "many",
      });
      sent += result.sent;
      answered += result.answered;
      bad += result.kissed + result.invalid;
      const sample = {
        atSeconds: Math.round((performance.now() - end) / 1000 + minutes * 60),
        memoryMiB: Math.round(contestant.server.memoryMiB * 10) / 10,
        descriptors: contestant.server.descriptors,
        loss: result.loss,
        p50Us: result.latencyUs.p50,
        p99Us: result.latencyUs.p99,
        cpu: result.server.cpu,
      };
      samples.push(sample);
      log(
        `${sample.atSeconds} s: ${sample.memoryMiB} MiB, ${sample.descriptors} descriptors, ` +
          `${(sample.loss * 100).toFixed(3)} % lost, p50 ${sample.p50Us}, p99 ${sample.p99Us} us`,
      );
    }
    if (samples.length === 0) throw new Error("no sample was taken");
    const growthMiB = growth(samples.map(({ memoryMiB }) => memoryMiB));
    const newDescriptors = growth(samples.map(({ descriptors }) => descriptors));
    const loss = sent === 0 ? 1 : 1 - answered / sent;
    const found = {
      name: "soak",
      machine: { ...describeMachine({ network: kind, versions }), warnings: [...contest.warnings] },
      subject: name,
      started: started.toISOString(),
      minutes,
      rate,
      sent,
      answered,
      bad,
      loss,
      growthMiB,
      newDescriptors,
      mostMemoryMiB: Math.max(...samples.map(({ memoryMiB }) => memoryMiB)),
      isFlat: growthMiB <= MOST_GROWTH_MIB && newDescriptors <= MOST_NEW_DESCRIPTORS,
      isLossless: loss <= MOST_LOSS && bad === 0,
      samples,
    };
    if (json) console.log(JSON.stringify(found));
    else {
      const { samples: _, machine: __, ...summary } = found;
      console.log(summary);
    }
    for (const warning of contest.warnings) console.error(`warning: ${warning}`);
    return found.isFlat && found.isLossless;
  } finally {
    await contest.stop();
  }
}

try {
  process.exit(await main() ? 0 : 1);
} catch (error) {
  console.error(`soak: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
