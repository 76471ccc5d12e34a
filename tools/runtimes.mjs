// Where Deno, Bun and Node are that the tests run on: those of tools/runtimes/package.json, or newer
// ones on PATH. What is missing is installed by npm into tools/runtimes/node_modules.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./child.mjs";

/** The repository. */
export const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** Names of the runtimes, in the order in which they are reported. */
export const RUNTIMES = ["deno", "bun", "node"];

const FOLDER = join(ROOT, "tools", "runtimes");
const LOCK = join(FOLDER, ".installing");
const PROBES = {
  deno: ["eval", "console.log(Deno.version.deno)"],
  bun: ["--print", "Bun.version"],
  // Bun puts itself on PATH as `node`.
  node: ["--print", "process.versions.bun ? '' : process.versions.node"],
};

/** The versions in tools/runtimes/package.json, by name. */
export function wantedVersions() {
  return JSON.parse(readFileSync(join(FOLDER, "package.json"), "utf8")).dependencies;
}

/**
 * Finds the runtimes and installs those that are missing.
 *
 * @param {string[]} names which
 * @param {(line: string) => void} log told what is done
 * @returns {Promise<Record<string, { name: string, path: string, version: string }>>} by name
 * @throws {Error} when one cannot be had; the message names it and the remedy
 */
export async function runtimes(names = RUNTIMES, log = console.error) {
  for (const name of names) {
    if (!RUNTIMES.includes(name)) {
      throw new Error(`no runtime is called "${name}"; there are ${RUNTIMES.join(", ")}`);
    }
  }
  let found = await findAll(names);
  if (names.some((name) => !found[name])) {
    await exclusively(log, async () => {
      found = await findAll(names);
      const missing = names.filter((name) => !found[name]);
      if (missing.length > 0) await install(missing, log);
    });
    found = await findAll(names);
  }
  for (const name of names) if (!found[name]) throw new Error(missingMessage(name));
  return found;
}

/** A Node to run the compiler with: this one, or the one that the tests run on. */
export async function nodePath(log = console.error) {
  return ownName() === "node" ? process.execPath : (await runtimes(["node"], log)).node.path;
}

async function findAll(names) {
  const wanted = wantedVersions();
  const found = await Promise.all(names.map((name) => find(name, wanted[name])));
  return Object.fromEntries(names.map((name, index) => [name, found[index]]));
}

async function find(name, wanted) {
  const suffix = process.platform === "win32" ? ".exe" : "";
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  const candidates = [
    // The file itself: npm's links in .bin may be scripts that start through another runtime.
    join(FOLDER, "node_modules", name, name === "deno" ? "" : "bin", binary(name, suffix)),
    process.execPath,
    ...folders.map((folder) => join(folder, name + suffix)),
  ];
  const tried = new Set();
  for (const path of candidates) {
    if (tried.has(path) || !existsSync(path)) continue;
    tried.add(path);
    if (path === process.execPath && name !== ownName()) continue;
    const probe = await run(path, PROBES[name], { timeoutMs: 30_000, env: { NO_COLOR: "1" } });
    const version = probe.stdout.trim();
    if (probe.code === 0 && isAtLeast(version, wanted)) return { name, path, version };
  }
  return undefined;
}

function binary(name, suffix) {
  // The package `bun` calls its binary bun.exe everywhere.
  return name === "bun" ? "bun.exe" : name + suffix;
}

function ownName() {
  return process.versions.deno ? "deno" : process.versions.bun ? "bun" : "node";
}

function isAtLeast(version, wanted) {
  if (!/^\d+\.\d+\.\d+/.test(version)) return false;
  const [have, want] = [version, wanted].map((text) => text.split(".").map(Number.parseFloat));
  const at = want.findIndex((part, index) => have[index] !== part);
  return at < 0 || have[at] > want[at];
}

async function install(missing, log) {
  const wanted = wantedVersions();
  const what = missing.map((name) => `${name} ${wanted[name]}`).join(", ");
  log(`Installing ${what}: npm ci in tools/runtimes (once; about 350 MB)`);
  const started = Date.now();
  const ticker = setInterval(() => {
    log(`  still installing, ${Math.round((Date.now() - started) / 1000)} s`);
  }, 10_000);
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const result = await run(npm, ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: FOLDER,
    // Set by npm for its scripts; it would send the nested npm to the root package.
    env: { npm_config_local_prefix: FOLDER, INIT_CWD: FOLDER },
  });
  clearInterval(ticker);
  if (result.code !== 0) {
    throw new Error(
      `cannot install ${what}: npm ci in tools/runtimes ended with ${result.code}\n${result.output}`,
    );
  }
  log(`  done in ${Math.round((Date.now() - started) / 1000)} s`);
}

function missingMessage(name) {
  const version = wantedVersions()[name];
  return `${name} ${version} or newer is not on PATH, and npm ci in tools/runtimes did not give it ` +
    `(does npm's configuration forbid install scripts?); install it, or leave it out: ` +
    `--runtime ${RUNTIMES.filter((other) => other !== name).join(",")}`;
}

/** Two runs that start at once must not install into one folder. */
async function exclusively(log, action) {
  const giveUp = Date.now() + 900_000;
  let told = false;
  while (!takeLock()) {
    if (Date.now() > giveUp) {
      throw new Error(`another run has been installing for 15 minutes; remove ${LOCK}`);
    }
    if (!told) log("Waiting for another run that is installing the runtimes");
    told = true;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  try {
    await action();
  } finally {
    rmSync(LOCK, { recursive: true, force: true });
  }
}

function takeLock() {
  try {
    mkdirSync(LOCK);
    writeFileSync(join(LOCK, "pid"), String(process.pid));
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
  try {
    const holder = Number(readFileSync(join(LOCK, "pid"), "utf8"));
    if (holder > 0) process.kill(holder, 0);
  } catch (error) {
    // No such process: the holder was ended in the middle.
    if (error.code === "ESRCH") rmSync(LOCK, { recursive: true, force: true });
  }
  return false;
}
