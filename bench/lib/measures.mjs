// What is measured of a server: each group puts its figures into the report.

import { AEADS, issueFiles, makeRequests, NTS_WINDOW } from "./nts.mjs";

/**
 * @typedef {import("./contest.mjs").Contestant & { nts?: WithNts[], rate: number, capacity: number, late: Map<string,
 * { late: number, count: number }>, memoryMiB: number[] }} Measured `rate`: of the latencies;
 * `capacity`: requests/s that it has answered; `late`: replies whose T3 was, by load
 *
 * @typedef {object} WithNts a server with NTS, and requests for it
 * @property {number} aead
 * @property {{ file: string, bytes: number }} requests
 * @property {import("./contest.mjs").Contestant} started
 *
 * @typedef {object} Round
 * @property {import("./contest.mjs").Contest} contest
 * @property {import("./report.mjs").Report} report
 * @property {{ warm: number, seconds: number, accuracy: number }} times
 * @property {number} transitNs how long a datagram is on its way
 */

/** Latency is measured at this rate, or at half of what the server can do where that is less. */
const RATE = 20_000;
/** Requests outstanding at saturation: fewer than the kernel's default buffer holds, so none is lost. */
const WINDOW = 128;
/** How often a load is tried that others disturb, who take more than this share of the core. */
const ATTEMPTS = 3, UNDISTURBED = 0.1;
/** Rate of an accuracy under load that is the same for all. */
const STEADY_RATE = 50_000;

/**
 * Warms a server up, and finds what it can do.
 *
 * @param {import("./contest.mjs").Contest} contest
 * @param {import("./contest.mjs").Contestant} contestant
 * @param {number} seconds
 * @returns {Promise<Measured>}
 */
export async function warmUp(contest, contestant, seconds) {
  let capacity = 0;
  // Its compiler, or somebody else on the machine, may be in the way at first.
  for (let attempt = 0; attempt < 3 && capacity < RATE / 0.8; attempt++) {
    const { perSecond } = await contest.load(contestant, {
      window: WINDOW,
      warm: seconds,
      seconds: 0.3,
    });
    capacity = Math.max(capacity, perSecond);
  }
  let rate = RATE;
  if (capacity < RATE / 0.8) {
    rate = Math.max(100, Math.floor(capacity / 2000) * 1000);
    contest.warnings.add(
      `p50 and p99 of ${contestant.name} are at ${rate}/s: it cannot do ${RATE}/s`,
    );
  }
  return { ...contestant, rate, capacity, late: new Map(), memoryMiB: [] };
}

/**
 * Warns of what makes a load's figures doubtful.
 *
 * @param {Round} round
 * @param {Measured} contestant
 * @param {import("./load.mjs").LoadResult} result
 * @param {string} when
 */
function check({ contest }, { name }, { answered, loss, kissed, invalid }, when) {
  if (answered === 0) throw new Error(`${name} has stopped answering ${when}`);
  if (loss > 0.01) contest.warnings.add(`${name} lost ${(loss * 100).toFixed(1)} % ${when}`);
  if (kissed + invalid > 0) {
    contest.warnings.add(`${name} gave ${kissed} kisses, ${invalid} invalid replies ${when}`);
  }
}

/**
 * Saturates a server: again if others had its core meanwhile, whatever came of it.
 *
 * @param {Round} round
 * @param {Measured} contestant
 * @param {Partial<import("./load.mjs").Load>} [more]
 */
async function saturate({ contest, times }, contestant, more = {}) {
  let best;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const full = await contest.load(contestant, { window: WINDOW, ...times, ...more });
    if (best === undefined || full.server.cpu > best.server.cpu) best = full;
    if (full.server.core - full.server.cpu < UNDISTURBED) break;
  }
  return /** @type {import("./load.mjs").LoadResult} */ (best);
}

/** @param {Round} round @param {Measured} contestant */
async function saturation(round, contestant) {
  const { contest, report } = round;
  const { name } = contestant;
  const full = await saturate(round, contestant);
  check(round, contestant, full, "at saturation");
  contestant.capacity = full.perSecond;
  report.add(name, "requests/s", "1/s", full.perSecond);
  report.add(name, "cpu us/request", "us", full.server.cpuUsPerRequest);
  if (full.generator.idle < 0.02 && full.server.core < 0.85) {
    contest.warnings.add(`requests/s of ${name} may be the load generator's limit`);
  }
  return `${Math.round(full.perSecond)}/s, ${full.server.cpuUsPerRequest.toFixed(2)} us (server ${
    percent(full.server.cpu)
  }, its core ${percent(full.server.core)}, generator idle ${percent(full.generator.idle)})`;
}

/** @param {Round} round @param {Measured} contestant */
async function latency(round, contestant) {
  const { contest, report, times } = round;
  const { name, rate } = contestant;
  const steady = await contest.load(contestant, { rate, ...times });
  check(round, contestant, steady, `at ${rate}/s`);
  report.add(name, "p50 us", "us", steady.latencyUs.p50);
  report.add(name, "p99 us", "us", steady.latencyUs.p99);
  return `p50 ${steady.latencyUs.p50.toFixed(1)}, p99 ${steady.latencyUs.p99.toFixed(1)} us`;
}

/**
 * @param {Round} round
 * @param {Measured} contestant
 * @param {string} when part of the measures' names
 * @param {number} [loadRate]
 */
async function accuracy({ contest, report, times, transitNs }, contestant, when, loadRate) {
  const { name, late } = contestant;
  const found = await contest.accuracy(contestant, {
    seconds: times.accuracy,
    transitNs,
    ...(loadRate !== undefined && { loadRate }),
  });
  if (found.count === 0) {
    contest.warnings.add(`${name} answered nothing that the accuracy client asked (${when})`);
    return `${when}: no answer`;
  }
  if (found.early > 0) {
    contest.warnings.add(`${name} claims ${found.early} arrivals before departure (${when})`);
  }
  for (const share of /** @type {const} */ (["p50", "p95", "p99"])) {
    report.add(name, `offset error ${share} ${when}`, "us", found.errorNs[share] / 1000);
  }
  const before = late.get(when) ?? { late: 0, count: 0 };
  late.set(when, { late: before.late + found.late, count: before.count + found.count });
  const us = (/** @type {number} */ ns) => (ns / 1000).toFixed(1);
  return `${when}: error ${us(found.errorNs.p50)}, ${us(found.errorNs.p95)}, ${
    us(found.errorNs.p99)
  } us, ${found.late}/${found.count} late, T2-T1 ${us(found.outwardNs.p50)}, T4-T3 ${
    us(found.backNs.p50)
  }`;
}

/** @param {Round} round @param {Measured} contestant */
async function accuracyUnderLoad(round, contestant) {
  const half = await accuracy(round, contestant, "50 % load", contestant.capacity / 2);
  if (contestant.capacity * 0.9 < STEADY_RATE) {
    round.contest.warnings.add(`${contestant.name} cannot do ${STEADY_RATE}/s`);
    return half;
  }
  return `${half}\n${await accuracy(round, contestant, "50,000/s", STEADY_RATE)}`;
}

/** @param {Round} round @param {Measured} contestant */
async function overload(round, contestant) {
  const { contest, report, times } = round;
  const { name, capacity } = contestant;
  const over = await contest.load(contestant, { rate: Math.min(2e6, 2 * capacity), ...times });
  report.add(name, "p50 us overload", "us", over.latencyUs.p50);
  report.add(name, "answered/s overload", "1/s", over.perSecond);
  // Offered: what left, not what was to leave.
  const offered = over.sent / times.seconds / capacity;
  if (offered < 1.5) {
    contest.warnings.add(
      `the load generator offered ${name} only ${offered.toFixed(1)} times its capacity`,
    );
  }
  return `overload × ${offered.toFixed(1)}: p50 ${over.latencyUs.p50.toFixed(0)} us, ${
    Math.round(over.perSecond)
  }/s answered`;
}

/** @param {Round} round @param {Measured} contestant */
async function mac(round, contestant) {
  if (!contestant.subject.hasKey) return "";
  const { report } = round;
  const full = await saturate(round, contestant, { signed: true });
  check(round, contestant, full, "with MAC");
  report.add(contestant.name, "MAC requests/s", "1/s", full.perSecond);
  report.add(contestant.name, "MAC cpu us/request", "us", full.server.cpuUsPerRequest);
  return `MAC ${Math.round(full.perSecond)}/s, ${full.server.cpuUsPerRequest.toFixed(2)} us`;
}

/**
 * The server once more, with NTS, for this group alone, so that the others know nothing of it.
 *
 * @param {Round} round
 * @param {Measured} contestant
 * @returns {Promise<WithNts[]>}
 */
async function startWithNts({ contest, times }, { name, subject }) {
  const started = await contest.start({
    ...subject,
    command: (path) => subject.command(path, issueFiles(path)),
  }, { seconds: 3600 });
  if (typeof started === "string") {
    contest.warnings.add(`${name} has no NTS: ${started}`);
    return [];
  }
  const found = [];
  for (const aead of AEADS) {
    const requests = await makeRequests(started.path, aead);
    if (typeof requests === "string") {
      contest.warnings.add(`${name} has no NTS with AEAD ${aead}: ${requests}`);
      continue;
    }
    const warm = { window: NTS_WINDOW, requests, warm: times.warm, seconds: times.seconds };
    await contest.load(started, warm);
    found.push({ aead, requests, started });
  }
  return found;
}

/** @param {Round} round @param {Measured} contestant */
async function nts(round, contestant) {
  if (!contestant.subject.hasNts) return "";
  const { report } = round, { name } = contestant;
  contestant.nts ??= await startWithNts(round, contestant);
  const said = [];
  for (const { aead, requests, started } of contestant.nts) {
    const full = await saturate(round, { ...contestant, ...started }, {
      window: NTS_WINDOW,
      requests,
    });
    check(round, contestant, full, `with NTS, AEAD ${aead}`);
    const which = aead === AEADS[0] ? "" : ` AEAD ${aead}`;
    report.add(name, `nts requests/s${which}`, "1/s", full.perSecond);
    report.add(name, `nts cpu us/request${which}`, "us", full.server.cpuUsPerRequest);
    const figures = `${Math.round(full.perSecond)}/s, ${full.server.cpuUsPerRequest.toFixed(2)} us`;
    said.push(`NTS, AEAD ${aead}: ${figures} (server ${percent(full.server.cpu)})`);
  }
  return said.join("\n");
}

/** @param {Round} round @param {Measured} contestant */
async function memory(round, contestant) {
  const { contest, report, times } = round;
  const { name, server, memoryMiB } = contestant;
  const full = await contest.load(contestant, { window: WINDOW, clients: "many", ...times });
  check(round, contestant, full, "with a million clients");
  memoryMiB.push(server.memoryMiB);
  report.add(name, "RSS MiB", "MiB", server.memoryMiB);
  return `${server.memoryMiB.toFixed(0)} MiB with a million clients`;
}

/** Groups by name; `quick`: part of a quick run. */
export const MEASURES = {
  saturation: { run: saturation, quick: true },
  latency: { run: latency, quick: true },
  idle: {
    run: (/** @type {Round} */ round, /** @type {Measured} */ contestant) =>
      accuracy(round, contestant, "idle"),
    quick: true,
  },
  load: { run: accuracyUnderLoad, quick: false },
  overload: { run: overload, quick: false },
  mac: { run: mac, quick: false },
  nts: { run: nts, quick: false },
  memory: { run: memory, quick: false },
  /** Taken when servers are started. */
  start: { run: () => Promise.resolve(""), quick: true },
};

/**
 * What all rounds together say of a server.
 *
 * @param {import("./report.mjs").Report} report
 * @param {Measured} contestant
 */
export function conclude(report, { name, late, memoryMiB }) {
  for (const [when, sum] of late) {
    report.add(name, `late replies ${when}`, "1/1000", sum.late / sum.count * 1000);
  }
  if (memoryMiB.length > 1) {
    report.add(name, "RSS growth MiB", "MiB", memoryMiB[memoryMiB.length - 1] - memoryMiB[0]);
  }
}

/** @param {number} share */
function percent(share) {
  return `${Math.round(share * 100)} %`;
}
