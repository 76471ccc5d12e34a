// The servers that are compared: ours on each runtime and by each transport, and others'.

import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Confined } from "../../tests/interop/confined.mjs";
import { fetchPeers } from "../../tests/interop/peers.mjs";
import { run } from "../../tools/child.mjs";
import { runArguments } from "../../tools/launch.mjs";
import { ROOT, RUNTIMES, runtimes } from "../../tools/runtimes.mjs";
import { findChronyd } from "./chronyd.mjs";
import { compile } from "./compile.mjs";
import { KEY_HEX } from "./load.mjs";

/**
 * @typedef {object} Subject a server that can be measured
 * @property {string} name
 * @property {(path: import("./path.mjs").Path, nts?: import("./nts.mjs").NtsFiles) => string[]} command
 * starts it on its side of the path, in the foreground; `nts`: with NTS
 * @property {Record<string, string>} [env]
 * @property {boolean} [hasKey] it answers requests signed by the key of `load.mjs`
 * @property {boolean} [hasNts] it can be started with NTS
 * @property {boolean} [anyStratum] it never becomes synchronised here
 * @property {boolean} [onlyInNamespaces]
 * @property {boolean} [slow] not in a quick run unless asked for
 */

export const NOCLIENTLOG = "chronyd noclientlog";
export const RATELIMIT = "chronyd ratelimit";
export const BASELINE_C = "minimal C";

/** Our modes, and the arguments of subject.mjs for each. @type {[string, (runtime: string) => string, string[]][]} */
const MODES = [
  ["portable", (runtime) => `portable ${runtime}`, ["portable", "0"]],
  ["native", (runtime) => `native ${runtime}`, ["native", "0"]],
  ["worker", (runtime) => `native ${runtime} worker`, ["native", "1"]],
  ["xdp", (runtime) => `xdp ${runtime}`, ["xdp", "0"]],
];

/** What disturbs nothing but is worth saying. @typedef {(line: string) => void} Log */

/**
 * Node takes what npm would install, since it is slow to start from TypeScript.
 *
 * @param {Log} log
 * @returns {Promise<Record<string, string>>} variables of the environment
 */
async function builtForNode(log) {
  const built = join(ROOT, "dist", "mod.js");
  const { code, output } = await run(process.execPath, [join(ROOT, "tools", "build.mjs")]);
  try {
    statSync(built);
    if (code === 0) {
      return { NTPS_MODULE: built, NTPS_NTS_MODULE: join(ROOT, "dist", "src", "nts", "mod.js") };
    }
  } catch {
    // Said below.
  }
  log(`npm run build failed, so Node starts from TypeScript: ${output.trim().slice(-300)}`);
  return {};
}

/** @returns {string} the path of a key file for chronyd */
function keyFile() {
  const folder = mkdtempSync(join(tmpdir(), "ntps-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "keys");
  writeFileSync(file, `1 AES128 HEX:${KEY_HEX}\n`, { mode: 0o600 });
  return file;
}

/**
 * Daemons that need a root of their own.
 *
 * @param {Log} log
 * @returns {Promise<{ subjects: Subject[], versions: Record<string, string> }>}
 */
async function otherDaemons(log) {
  const peers = await fetchPeers(["ntpsec", "openntpd"], { log });
  const confined = (/** @type {string} */ peer, /** @type {import("./path.mjs").Path} */ path) => {
    if (!path.namespace) throw new Error("needs namespaces");
    return new Confined(/** @type {any} */ (peers.get(peer)), path.namespace);
  };
  return {
    versions: Object.fromEntries([...peers].map(([name, { version }]) => [name, version])),
    subjects: [
      {
        name: "ntpd ntpsec",
        onlyInNamespaces: true,
        slow: true,
        command(path) {
          const inside = confined("ntpsec", path);
          const lines = [
            "unrestrict default kod nomodify noquery limited",
            "tos orphan 2 orphanwait 1",
          ];
          const file = inside.write("ntp.conf", `${lines.join("\n")}\n`);
          return inside.command(["/usr/sbin/ntpd", "-n", "-g", "-c", file, "-f", "/tmp/ntp.drift"]);
        },
      },
      {
        name: "openntpd",
        onlyInNamespaces: true,
        slow: true,
        anyStratum: true,
        command(path) {
          const inside = confined("openntpd", path);
          const file = inside.write("openntpd.conf", `listen on ${path.hostname}\n`);
          return inside.command(["/usr/sbin/ntpd", "-d", "-f", file, "-p", "/run/openntpd.pid"]);
        },
      },
    ],
  };
}

/**
 * @param {{ only: string[], quick: boolean, kind: string, log: Log }} options `only`: parts of names
 * @returns {Promise<{ subjects: Subject[], versions: Record<string, string> }>}
 */
export async function findSubjects({ only, quick, kind, log }) {
  const wanted = (/** @type {Subject} */ { name, slow, onlyInNamespaces }) =>
    name === NOCLIENTLOG ||
    (only.length === 0
      ? !(quick && slow) && !(onlyInNamespaces && kind !== "namespaces")
      : only.some((text) => name.includes(text)));
  const chronyd = await findChronyd();
  const keys = `keyfile ${keyFile()}`;
  const chrony = (/** @type {string} */ name, /** @type {string} */ line) => ({
    name,
    hasKey: true,
    hasNts: true,
    command: (
      /** @type {import("./path.mjs").Path} */ path,
      /** @type {import("./nts.mjs").NtsFiles | undefined} */ nts,
    ) => {
      const more = nts === undefined ? [] : [
        `ntsservercert ${nts.cert}`,
        `ntsserverkey ${nts.key}`,
        `ntsport ${path.kePort}`,
        "ntsprocesses 0",
      ];
      return path.atServer(chronyd.command([line, keys, ...more])(path.hostname, path.port));
    },
  });
  const found = Object.values(await runtimes(RUNTIMES, log));
  const file = fileURLToPath(new URL("../subject.mjs", import.meta.url));
  const nodeModule = await builtForNode(log);
  /** @type {Subject[]} */
  const subjects = [
    chrony(NOCLIENTLOG, "noclientlog"),
    // Limits that nobody reaches: its work is done, and nothing is dropped.
    chrony(RATELIMIT, "ratelimit interval -19 burst 255"),
    {
      name: BASELINE_C,
      command: (path) =>
        path.atServer(
          [compile("baseline"), "--address", path.hostname, "--port", String(path.port)],
        ),
    },
    ...MODES.flatMap(([mode, nameOf, args]) =>
      found.map(({ name: runtime, path: program }) => ({
        name: nameOf(runtime),
        hasKey: true,
        hasNts: mode !== "worker",
        onlyInNamespaces: mode === "xdp",
        env: runtime === "node" ? nodeModule : {},
        command: (
          /** @type {import("./path.mjs").Path} */ path,
          /** @type {import("./nts.mjs").NtsFiles | undefined} */ nts,
        ) => {
          const more = nts === undefined ? [] : [nts.cert, nts.key, String(path.kePort)];
          const all = [path.hostname, String(path.port), ...args, ...more];
          return path.atServer([program, ...runArguments(runtime, file, all, true)]);
        },
      }))
    ),
  ];
  const versions = Object.fromEntries([
    ["chronyd", chronyd.version],
    ...found.map(({ name, version }) => [name, version]),
  ]);
  const others = await otherDaemons(log);
  return {
    subjects: [...subjects, ...others.subjects].filter(wanted),
    versions: { ...versions, ...others.versions },
  };
}
