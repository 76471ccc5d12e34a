// npm run test:soak: `ntps serve` on each runtime at once, at a moderate rate, with all that operations do
// to it: Prometheus scraping, the page open and opened anew, configurations reloaded, broken ones among
// them. Memory and descriptors must stay where they are, and no request may be lost.
//
//     npm run test:soak [-- --minutes 3 --runtime deno,bun,node]

import { createSocket } from "node:dgram";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runArguments } from "../../tools/launch.mjs";
import { RUNTIMES, runtimes as findRuntimes } from "../../tools/runtimes.mjs";
import { Child, killAllOnSignals } from "../interop/children.mjs";

const COMMAND = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
/** Requests per second to each server, in bursts of this many milliseconds. */
const RATE = 300, BURST_MS = 20;
/** Seconds between two looks, two scrapes, two reloads, and two openings of the page. */
const LOOK = 2, SCRAPE = 1, RELOAD = 3, OPEN = 5;
/** How much the last quarter may have more than the second: MiB, and descriptors. */
const MOST_GROWTH_MIB = 12, MOST_NEW_DESCRIPTORS = 1;
/** Answers that may be missing: the machine may hold a process up. */
const MOST_LOSS = 1e-4;

/** Configurations in turn; the third one is wrong. */
const CONFIGS = [
  'allow = ["127.0.0.0/8"]\nrate-limit = true\nlimited = ["192.0.2.0/24"]',
  'allow = ["127.0.0.0/8", "::1/128"]',
  'allow = ["127.0.0.0/99"]',
];

/** @param {number[]} values */
function median(values) {
  const ordered = [...values].sort((a, b) => a - b);
  return ordered[ordered.length >> 1] ?? 0;
}

/** What the last quarter has more than the second; the first does not count. @param {number[]} values */
function growth(values) {
  const quarter = Math.max(1, Math.floor(values.length / 4));
  return median(values.slice(-quarter)) - median(values.slice(quarter, 2 * quarter));
}

/** @param {number} pid of timeout(1) @returns {number} of what it runs */
function childOf(pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
  return Number(children[0]);
}

/** @param {string} url @returns {Promise<string>} */
function fetchText(url) {
  return new Promise((resolve, reject) => {
    get(url, (response) => {
      let text = "";
      response.on("data", (piece) => text += piece).on("end", () => resolve(text));
    }).on("error", reject).setTimeout(5000, function () {
      this.destroy(new Error(`${url} took too long`));
    });
  });
}

/** Sends requests and counts the answers. */
class Load {
  sent = 0;
  answered = 0;
  #socket = createSocket("udp4");
  #timer;

  /** @param {number} port */
  constructor(port) {
    const request = Buffer.alloc(48);
    request[0] = 0x23;
    this.#socket.on("message", (reply) => {
      if (reply.length === 48 && (reply[0] & 0xc7) === 4 && reply[1] === 1) this.answered++;
    });
    this.#socket.on("error", () => {});
    const begun = performance.now();
    this.#timer = setInterval(() => {
      const due = Math.floor((performance.now() - begun) / 1000 * RATE);
      // After a pause of this process, not all at once.
      for (let i = 0; i < 50 && this.sent < due; i++, this.sent++) {
        request.writeUInt32BE(this.sent, 40);
        this.#socket.send(Buffer.from(request), port, "127.0.0.1");
      }
    }, BURST_MS);
  }

  async end() {
    clearInterval(this.#timer);
    await wait(1000);
    this.#socket.close();
  }
}

/**
 * @param {{ name: string, path: string, version: string }} runtime
 * @param {number} seconds
 * @returns {Promise<string[]>} what did not hold
 */
async function soak(runtime, seconds) {
  const folder = mkdtempSync(join(tmpdir(), "ntps-soak-"));
  const config = join(folder, "ntps.toml");
  const configure = (/** @type {number} */ i) =>
    writeFileSync(
      config,
      `[server]\nport = 0\naddress = ["127.0.0.1"]\nstratum = 1\nhttp = "0"\npage = true\nquiet = true\n\n[access]\n${
        CONFIGS[i % CONFIGS.length]
      }\n`,
    );
  configure(1);
  const args = ["serve", "--config", config];
  const child = new Child(`ntps on ${runtime.name}`, [
    runtime.path,
    ...runArguments(runtime.name, COMMAND, args, false),
  ], { seconds: seconds + 90 });
  const faults = /** @type {string[]} */ ([]);
  try {
    const [, port] = await child.wrote(/listening at 127\.0\.0\.1:(\d+)/, 30);
    const [, http] = await child.wrote(/page at (http:\S+?)\/,/, 30);
    const pid = childOf(child.pid);
    const load = new Load(Number(port));
    const memory = /** @type {number[]} */ ([]), descriptors = /** @type {number[]} */ ([]);
    let scrapes = 0, events = 0, reloads = 0, opened = 0;
    const watch = (/** @type {number} */ forSeconds) => {
      opened++;
      const asked = get(`${http}/events`, (response) => {
        response.on("data", () => events++).on("error", () => {});
      }).on("error", () => {});
      setTimeout(() => asked.destroy(), forSeconds * 1000);
    };
    watch(seconds);
    for (let second = 1; second <= seconds; second++) {
      await wait(1000);
      if (child.status !== undefined) throw new Error(`it ended with ${child.status}`);
      if (second % SCRAPE === 0) {
        const text = await fetchText(`${http}/metrics`);
        if (!/ntps_replies_total\{kind="answer"\} \d+/.test(text)) faults.push("no metrics");
        scrapes++;
      }
      if (second % RELOAD === 0) {
        configure(reloads++);
        process.kill(pid, "SIGHUP");
      }
      if (second % OPEN === 0) watch(2 + second % 7);
      if (second % LOOK === 0) {
        const status = readFileSync(`/proc/${pid}/status`, "utf8");
        memory.push(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
        descriptors.push(readdirSync(`/proc/${pid}/fd`).length);
      }
      if (second % 60 === 0) {
        console.log(
          `${runtime.name}, ${second} s: ${memory.at(-1)?.toFixed(1)} MiB, ${
            descriptors.at(-1)
          } descriptors`,
        );
      }
    }
    await load.end();
    const told = child.output.match(/allow/g)?.length ?? 0;
    const loss = 1 - load.answered / load.sent;
    const grownMiB = growth(memory), grown = growth(descriptors);
    if (loss > MOST_LOSS) faults.push(`${load.sent - load.answered} of ${load.sent} requests lost`);
    if (grownMiB > MOST_GROWTH_MIB) faults.push(`${grownMiB.toFixed(1)} MiB more`);
    if (grown > MOST_NEW_DESCRIPTORS) faults.push(`${grown} descriptors more`);
    if (events < seconds * 0.9) faults.push(`only ${events} events`);
    if (told < Math.floor(reloads / CONFIGS.length)) {
      faults.push(`${reloads} reloads, but ${told} complaints:\n${child.output.slice(-2000)}`);
    }
    console.log(
      `${runtime.name} ${runtime.version}: ${load.answered} of ${load.sent} answered, ${scrapes} scrapes, ` +
        `${events} events, ${reloads} reloads (${told} refused), page opened ${opened} times; ` +
        `${median(memory).toFixed(1)} MiB, ${grownMiB >= 0 ? "+" : ""}${
          grownMiB.toFixed(1)
        } MiB, ` +
        `${grown >= 0 ? "+" : ""}${grown} descriptors`,
    );
  } catch (error) {
    faults.push(`${error instanceof Error ? error.message : error}\n${child.output.slice(-2000)}`);
  } finally {
    await child.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  return faults.map((fault) => `${runtime.name}: ${fault}`);
}

async function main() {
  killAllOnSignals();
  const { values } = parseArgs({
    options: { minutes: { type: "string", default: "3" }, runtime: { type: "string" } },
  });
  const minutes = Number(values.minutes);
  if (!(minutes >= 0.2 && minutes <= 600)) {
    console.error(`--minutes ${values.minutes}: wants 0.2 to 600`);
    return 2;
  }
  if (!existsSync("/proc/self/status")) {
    console.error("the soak reads /proc, which there is on Linux only");
    return 2;
  }
  const found = Object.values(await findRuntimes(values.runtime?.split(",") ?? RUNTIMES));
  console.log(`${minutes} minutes at ${RATE} requests per second each`);
  const faults = await Promise.all(found.map((one) => soak(one, Math.round(minutes * 60))));
  for (const fault of faults.flat()) console.log(`FAILED ${fault}`);
  return faults.flat().length === 0 ? 0 : 1;
}

process.exit(await main());
