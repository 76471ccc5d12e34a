// The load generator in ../load/: compiled when its source has changed, kept in the user's cache.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../../tools/child.mjs";

const folder = fileURLToPath(new URL("../load/", import.meta.url));
const flags = ["-O2", "-std=gnu11", "-Wall", "-Wextra"];

/**
 * @returns {string} the program's path
 */
export function buildLoad() {
  const names = readdirSync(folder).filter((name) => /\.[ch]$/.test(name)).sort();
  const hash = createHash("sha256").update(flags.join(" "));
  for (const name of names) hash.update(name).update(readFileSync(join(folder, name)));
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "ntps-bench");
  const program = join(cache, `load-${process.arch}-${hash.digest("hex").slice(0, 12)}`);
  if (existsSync(program)) return program;
  mkdirSync(cache, { recursive: true });
  const sources = names.filter((name) => name.endsWith(".c")).map((name) => join(folder, name));
  const made = `${program}.${process.pid}`;
  try {
    execFileSync("gcc", [...flags, "-o", made, ...sources, "-lm"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
  } catch (error) {
    const { code, stderr } = /** @type {{ code?: string, stderr?: Uint8Array }} */ (error);
    throw new Error(
      code === "ENOENT"
        ? "gcc is missing: it compiles the load generator"
        : `gcc could not compile the load generator: ${stderr}`,
    );
  }
  renameSync(made, program);
  return program;
}

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
 * One run of the generator.
 *
 * @param {string} program
 * @param {import("./path.mjs").Path} path how it reaches the server
 * @param {{ port: number, pid: number, window?: number, rate?: number, warm: number, seconds: number }} load
 * @returns {Promise<LoadResult>}
 */
export async function runLoad(program, path, { port, pid, window, rate, warm, seconds }) {
  const shape = window === undefined ? ["--rate", String(rate)] : ["--window", String(window)];
  const cores = path.cores
    ? ["--core", String(path.cores.client), "--server-core", String(path.cores.server)]
    : [];
  const command = path.atClient([
    program,
    ...["--target", path.hostname, "--port", String(port), "--pid", String(pid), ...shape],
    ...["--warm", String(warm), "--seconds", String(seconds), ...path.loadOptions, ...cores],
  ]);
  const [file, ...args] = command;
  const { code, stdout, output } = await run(file, args, {
    timeoutMs: (warm + seconds + 10) * 1000,
  });
  if (code !== 0) throw new Error(`the load generator ended with status ${code}: ${output.trim()}`);
  return JSON.parse(stdout);
}
