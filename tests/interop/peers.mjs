// The peers: real NTP daemons and tools, each unpacked from Debian packages into a root of its own and
// kept under the user's cache folder. Run by itself, this file fetches them all:
//
//     node tests/interop/peers.mjs [--fresh] [PEER[@SUITE]…]

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { DebianSuite, unpack } from "./debian.mjs";

/**
 * @typedef {object} Recipe
 * @property {string} suite the Debian suite it is taken from unless another is asked for
 * @property {string[]} packages the first one gives the peer its version
 * @property {RegExp} [closure] which dependencies it needs beside the packages
 * @property {string} program a path that must be there once unpacked
 */

const libraries = /^(lib|zlib1g)/;
const python = /^(lib|zlib1g|python3|netbase|tzdata)/;

/** @type {Record<string, Recipe>} */
export const recipes = {
  chrony: { suite: "trixie", packages: ["chrony"], program: "usr/sbin/chronyd" },
  ntp: {
    suite: "bullseye",
    packages: ["ntp", "ntpdate", "sntp", "netbase"],
    program: "usr/sbin/ntpd",
  },
  ntpsec: {
    suite: "trixie",
    packages: ["ntpsec", "ntpsec-ntpdig"],
    closure: python,
    program: "usr/sbin/ntpd",
  },
  "ntpd-rs": { suite: "trixie", packages: ["ntpd-rs"], program: "usr/bin/ntp-daemon" },
  gpsd: { suite: "trixie", packages: ["gpsd"], program: "usr/sbin/gpsd" },
  prometheus: { suite: "bookworm", packages: ["prometheus"], program: "usr/bin/prometheus" },
  openntpd: { suite: "trixie", packages: ["openntpd", "netbase"], program: "usr/sbin/ntpd" },
  tshark: { suite: "trixie", packages: ["tshark", "wireshark-common"], program: "usr/bin/tshark" },
};

/**
 * @typedef {object} Peer a peer that is there
 * @property {string} name
 * @property {string} suite
 * @property {string} version upstream's, as `4.6.1`
 * @property {string} root the folder it was unpacked into
 * @property {Record<string, string>} packages every package in it, with its version
 */

/** Part of the cache's folder names: a change here or in a recipe fetches anew. */
const layout = 3;

/** @returns {string} the folder all peers are kept in */
function cacheFolder() {
  const base = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return join(base, "ntps-interop");
}

/** Daemons give up their rights to a user of their own, which must exist in their root. */
const users = ["_chrony", "chrony", "ntp", "ntpd", "ntpsec", "ntpd-rs", "openntpd", "_ntp"];

/** @param {string} root */
function writeSettings(root) {
  const write = (/** @type {string} */ name, /** @type {string} */ text) =>
    writeFileSync(join(root, "etc", name), text);
  const named = users.map((user, i) => ({ user, id: 900 + i }));
  const passwd = named.map(({ user, id }) => `${user}:x:${id}:${id}::/run/empty:/bin/false\n`);
  write(
    "passwd",
    `root:x:0:0:root:/:/bin/sh\n${passwd.join("")}nobody:x:65534:65534::/:/bin/false\n`,
  );
  const group = named.map(({ user, id }) => `${user}:x:${id}:\n`);
  write("group", `root:x:0:\n${group.join("")}nogroup:x:65534:\n`);
  // See clock_stub.c: this way no program of this root can escape it.
  write("ld.so.preload", "/instance/clock_stub.so\n");
  write("hosts", "127.0.0.1 localhost\n::1 localhost\n");
  write("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\nservices: files\n");
}

/**
 * Sees to it that peers are there, fetching what is missing.
 *
 * @param {string[]} asked names, each with `@SUITE` behind it where another suite is wanted
 * @param {{ fresh?: boolean, log?: (line: string) => void }} [options] `fresh`: fetch even if there
 * @returns {Promise<Map<string, Peer>>} by the names asked
 */
export async function fetchPeers(asked, { fresh = false, log = console.log } = {}) {
  const cache = cacheFolder();
  mkdirSync(cache, { recursive: true });
  removeAborted(cache);
  /** @type {Map<string, Peer>} */
  const peers = new Map();
  const temporary = join(cache, `aborted-${process.pid}`);
  /** @type {Map<string, Promise<DebianSuite>>} */
  const suites = new Map();
  const openSuite = (/** @type {string} */ name) => {
    const opened = suites.get(name) ?? (async () => {
      log(`peers: reading the package list of ${name}`);
      const suite = new DebianSuite(name, join(temporary, name));
      await suite.open();
      return suite;
    })();
    suites.set(name, opened);
    return opened;
  };
  try {
    for (const name of asked) {
      const [peer, suite] = name.split("@");
      const recipe = recipes[peer];
      if (!recipe) {
        throw new Error(`unknown peer "${peer}": there are ${Object.keys(recipes).join(", ")}`);
      }
      const chosen = { ...recipe, suite: suite ?? recipe.suite };
      const folder = join(cache, `${peer}-${chosen.suite}-${digest(chosen)}`);
      if (fresh) rmSync(folder, { recursive: true, force: true });
      try {
        const there = readManifest(folder);
        peers.set(name, there ?? await fetchPeer(peer, chosen, folder, temporary, openSuite, log));
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(`peer ${peer} (${chosen.suite}) cannot be had: ${reason}`);
      }
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  return peers;
}

/**
 * @param {string} name
 * @param {Recipe} recipe
 * @param {string} folder where it is kept
 * @param {string} temporary where it is made
 * @param {(suite: string) => Promise<DebianSuite>} openSuite
 * @param {(line: string) => void} log
 * @returns {Promise<Peer>}
 */
async function fetchPeer(name, recipe, folder, temporary, openSuite, log) {
  const suite = await openSuite(recipe.suite);
  const names = await suite.closure(recipe.packages, recipe.closure ?? libraries);
  const packages = await suite.download(names);
  const megabytes = packages.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6;
  log(`peers: ${name}: ${packages.length} packages, ${megabytes.toFixed(1)} MB`);
  const made = join(temporary, name);
  const root = join(made, "root");
  mkdirSync(root, { recursive: true });
  await unpack(packages.map(({ file }) => file), root);
  writeSettings(root);
  if (!existsSync(join(root, recipe.program))) {
    throw new Error(`its packages hold no ${recipe.program}`);
  }
  const versions = Object.fromEntries(packages.map(({ name, version }) => [name, version]));
  const version = upstream(versions[recipe.packages[0]]);
  const manifest = { name, suite: recipe.suite, version, packages: versions };
  writeFileSync(join(made, "manifest.json"), JSON.stringify(manifest, null, 2) + "\n");
  try {
    renameSync(made, folder);
  } catch (error) {
    // Another run was quicker: its copy is as good.
    if (!readManifest(folder)) throw error;
  }
  return { ...manifest, root: join(folder, "root") };
}

/**
 * @param {string} folder
 * @returns {Peer | undefined}
 */
function readManifest(folder) {
  const file = join(folder, "manifest.json");
  if (!existsSync(file)) return undefined;
  return { ...JSON.parse(readFileSync(file, "utf8")), root: join(folder, "root") };
}

/** @param {Recipe} recipe */
function digest(recipe) {
  const text = `${layout} ${recipe.packages.join(" ")} ${recipe.closure ?? libraries}`;
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

/**
 * `1:4.2.8p15+dfsg-1` is `4.2.8p15`.
 *
 * @param {string} version
 */
function upstream(version) {
  return version.replace(/^\d+:/, "").replace(/[-+].*$/, "");
}

/**
 * What a run that was killed left behind.
 *
 * @param {string} cache
 */
function removeAborted(cache) {
  for (const entry of readdirSync(cache)) {
    const pid = /^aborted-(\d+)$/.exec(entry)?.[1];
    if (pid && !existsSync(`/proc/${pid}`)) {
      rmSync(join(cache, entry), { recursive: true, force: true });
    }
  }
}

/**
 * The library that is preloaded into every peer so that it believes it steers the clock; see
 * `clock_stub.c`. Compiled once and kept.
 *
 * @returns {string} its path
 */
export function clockStub() {
  const source = fileURLToPath(new URL("clock_stub.c", import.meta.url));
  const hash = createHash("sha256").update(readFileSync(source)).digest("hex").slice(0, 8);
  const cache = cacheFolder();
  mkdirSync(cache, { recursive: true });
  const library = join(cache, `clock_stub-${hash}.so`);
  if (existsSync(library)) return library;
  const made = `${library}.${process.pid}`;
  const flags =
    "-O2 -Wall -Wextra -Werror -shared -fPIC -nostdlib -fno-stack-protector -D_GNU_SOURCE";
  try {
    execFileSync("gcc", [...flags.split(" "), "-o", made, source], {
      stdio: ["ignore", "pipe", "pipe"],
    });
  } catch (error) {
    const { code, stderr } = /** @type {{ code?: string, stderr?: Uint8Array }} */ (error);
    if (code === "ENOENT") {
      throw new Error("gcc is missing: it compiles the library that keeps peers off the clock");
    }
    throw new Error(`gcc could not compile ${source}: ${stderr}`);
  }
  renameSync(made, library);
  return library;
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const names = argv.slice(2).filter((arg) => arg !== "--fresh");
  const fresh = argv.includes("--fresh");
  const started = performance.now();
  try {
    clockStub();
    const peers = await fetchPeers(names.length > 0 ? names : Object.keys(recipes), { fresh });
    for (const [name, { suite, version, root }] of peers) {
      console.log(`${name.padEnd(12)} ${version.padEnd(10)} ${suite.padEnd(10)} ${root}`);
    }
    console.log(`ready in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
