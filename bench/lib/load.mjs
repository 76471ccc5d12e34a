// The load generator in ../load/, and the client of ../accuracy/.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../tools/child.mjs";
import { compile } from "./compile.mjs";
import { writeRequestHeader } from "./request_header.mjs";

/**
 * @typedef {object} LoadResult what the generator prints; see `print_result` in load.c
 * @property {number} sent
 * @property {number} answered
 * @property {number} loss
 * @property {number} perSecond
 * @property {number} kissed
 * @property {number} invalid
 * @property {number} strange
 * @property {number} skipped
 * @property {number} overruns
 * @property {{ p50: number, p90: number, p99: number, p999: number }} latencyUs
 * @property {{ cpuUsPerRequest: number, cpu: number, waited: number, core: number, steal: number }} server
 * @property {{ idle: number, waited: number }} generator
 */

/**
 * @typedef {object} Load
 * @property {number} [window] requests outstanding at any time; or
 * @property {number} [rate] requests a second
 * @property {number} warm seconds before it is measured
 * @property {number} seconds
 * @property {"some" | "many"} [clients] from 16,382 addresses (default), or a million
 * @property {boolean} [signed] requests with a MAC
 * @property {{ file: string, bytes: number }} [requests] requests from a file, and the length of each
 * @property {boolean} [anyStratum] the server need not be synchronised
 */

/** @param {string} file @param {string[]} args @param {number} seconds @param {string} what */
async function runToEnd(file, args, seconds, what) {
  const { code, stdout, output } = await run(file, args, { timeoutMs: seconds * 1000 });
  if (code !== 0) throw new Error(`${what} ended with status ${code}: ${output.trim()}`);
  return JSON.parse(stdout);
}

/**
 * One run of the generator.
 *
 * @param {import("./path.mjs").Path} path how it reaches the server
 * @param {Load & { port: number, pids: number[] }} load
 * @returns {Promise<LoadResult>}
 */
export async function runLoad(path, load) {
  const { port, pids, window, rate, warm, seconds, clients, anyStratum } = load;
  const requests = load.signed ? signedRequests() : load.requests;
  const [file, ...args] = path.atClient([
    compile("load"),
    ...["--target", path.hostname, "--port", String(port)],
    ...pids.flatMap((pid) => ["--pid", String(pid)]),
    ...(window === undefined ? ["--rate", String(rate)] : ["--window", String(window)]),
    ...["--warm", String(warm), "--seconds", String(seconds)],
    ...path.loadOptions(clients ?? "some"),
    ...(path.cores
      ? ["--core", String(path.cores.client), "--server-core", String(path.cores.server)]
      : []),
    ...(requests ? ["--requests", requests.file, "--request-bytes", String(requests.bytes)] : []),
    ...(anyStratum ? ["--any-stratum", "1"] : []),
  ]);
  return await runToEnd(file, args, warm + seconds + 10, "the load generator");
}

/** The key that all subjects have: identifier 1. */
export const KEY_HEX = "000102030405060708090a0b0c0d0e0f";
const SIGNED_BYTES = 68, SIGNED_COUNT = 4096;

/** @type {{ file: string, bytes: number } | undefined} */
let signed;
/** Computes a MAC; set by whoever wants signed requests. @type {(packet: Uint8Array) => Uint8Array} */
let sign;

/** @param {(packet: Uint8Array) => Uint8Array} signer AES-CMAC by the key of {@linkcode KEY_HEX} */
export function setSigner(signer) {
  sign = signer;
}

/** Requests with a MAC, in a file. */
function signedRequests() {
  if (signed !== undefined) return signed;
  const folder = mkdtempSync(join(tmpdir(), "ntps-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const all = new Uint8Array(SIGNED_COUNT * SIGNED_BYTES);
  const view = new DataView(all.buffer);
  for (let i = 0; i < SIGNED_COUNT; i++) {
    const at = i * SIGNED_BYTES;
    writeRequestHeader(all.subarray(at, at + 48), i);
    view.setUint32(at + 48, 1);
    all.set(sign(all.subarray(at, at + 48)), at + 52);
  }
  signed = { file: join(folder, "requests"), bytes: SIGNED_BYTES };
  writeFileSync(signed.file, all);
  return signed;
}

/**
 * @typedef {object} AccuracyResult what the accuracy client prints
 * @property {number} count
 * @property {number} lost
 * @property {number} late
 * @property {number} early
 * @property {{ p50: number, p95: number, p99: number }} errorNs
 * @property {{ p50: number, p95: number, p99: number }} outwardNs
 * @property {{ p50: number, p95: number, p99: number }} backNs
 * @property {{ p50: number, p95: number, p99: number }} insideNs
 */

/**
 * One run of the accuracy client.
 *
 * @param {import("./path.mjs").Path} path
 * @param {{ port: number, rate: number, seconds: number, transitNs: number }} options
 * @returns {Promise<AccuracyResult>}
 */
export async function runAccuracy(path, { port, rate, seconds, transitNs }) {
  const [file, ...args] = path.atClient([
    compile("accuracy"),
    ...["--target", path.hostname, "--port", String(port), "--rate", String(rate)],
    ...["--seconds", String(seconds), "--transit-ns", String(Math.round(transitNs))],
    ...(path.cores ? ["--core", String(path.cores.client)] : []),
  ]);
  return await runToEnd(file, args, seconds + 12, "the accuracy client");
}

/**
 * How long a server takes from its start to its first answer.
 *
 * @param {import("./path.mjs").Path} path
 * @param {number} port
 * @param {{ start: () => Promise<void>, anyStratum: boolean }} options `start`: starts it; the promise
 * is settled if it ends. `anyStratum`: an answer of a server without time counts
 * @returns {Promise<number>} milliseconds
 */
export async function timeToFirstAnswer(path, port, { start, anyStratum }) {
  const [file, ...args] = path.atClient([
    compile("accuracy"),
    ...["--target", path.hostname, "--port", String(port), "--first", anyStratum ? "2" : "1"],
  ]);
  return await new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "", began = 0n;
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output += text;
      if (began !== 0n || !output.startsWith("ready\n")) return;
      began = process.hrtime.bigint(); // CLOCK_MONOTONIC, as the client's
      start().then(() => child.kill());
    });
    child.stderr.setEncoding("utf8").on("data", (text) => output += text);
    child.on("error", reject);
    child.on("close", (code) => {
      const found = /"firstNs":(\d+)/.exec(output)?.[1];
      if (code === 0 && found) resolve(Number(BigInt(found) - began) / 1e6);
      else reject(new Error(output.replace("ready\n", "").trim() || "it ended"));
    });
  });
}
