// Debian packages without installing them: a package state of our own beside the machine's, so any
// suite of the machine's mirror can be read, nothing needs `apt-get update`, and nothing of the
// system changes.

import { execFile } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** What the peers never read: it would be two thirds of what is unpacked. */
const left = ["doc", "man", "locale", "info", "i18n", "lintian", "bug", "pixmaps"];

/**
 * The mirror this machine uses for the main archive, or the one of `NTPS_DEBIAN_MIRROR`.
 *
 * @returns {Promise<string>}
 */
async function mirror() {
  const asked = process.env.NTPS_DEBIAN_MIRROR;
  if (asked) return asked;
  // Works before any `apt-get update`, and whatever way the sources are written.
  const { stdout } = await run("apt-get", ["update", "--print-uris"]);
  const found = /'(\S+\/debian)\/dists\/[^/\s]+\/InRelease'/.exec(stdout);
  if (!found) {
    throw new Error(
      "this machine's package sources name no Debian mirror: set NTPS_DEBIAN_MIRROR to one's address",
    );
  }
  return found[1];
}

/** One suite (`bookworm`, `trixie`, …), read through a package state in a folder of its own. */
export class DebianSuite {
  #suite;
  #folder;
  #env;

  /**
   * @param {string} suite
   * @param {string} folder made if it is not there; holds the package lists and the downloads
   */
  constructor(suite, folder) {
    this.#suite = suite;
    this.#folder = folder;
    this.#env = { ...process.env, APT_CONFIG: join(folder, "apt.conf"), LC_ALL: "C" };
  }

  /** Fetches the suite's list of packages. */
  async open() {
    for (const sub of ["state/lists/partial", "cache/archives/partial"]) {
      mkdirSync(join(this.#folder, sub), { recursive: true });
    }
    if (!existsSync(keyring)) {
      throw new Error(
        `${keyring} is missing: run this on Debian, or install debian-archive-keyring`,
      );
    }
    const sources = `deb [signed-by=${keyring}] ${await mirror()} ${this.#suite} main\n`;
    writeFileSync(join(this.#folder, "sources.list"), sources);
    writeFileSync(join(this.#folder, "status"), "");
    writeFileSync(
      join(this.#folder, "apt.conf"),
      `Dir::State "${this.#folder}/state";
Dir::State::status "${this.#folder}/status";
Dir::Cache "${this.#folder}/cache";
Dir::Etc::SourceList "${this.#folder}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Sandbox::User "root";
`,
    );
    await this.#apt("apt-get", ["update", "-qq", "--error-on=any"]);
  }

  /**
   * The packages asked for and the libraries under them, down to the C library. Other dependencies
   * (account tools, init scripts) serve installation, which never happens here.
   *
   * @param {string[]} names
   * @param {RegExp} wanted which dependencies are followed
   * @returns {Promise<string[]>}
   */
  async closure(names, wanted = /^(lib|zlib1g)/) {
    const graph = await this.#dependencies(names);
    const found = new Set(names);
    for (const name of found) {
      for (const dependency of graph.get(name) ?? []) {
        if (wanted.test(dependency)) found.add(dependency);
      }
    }
    return [...found].sort();
  }

  /**
   * Every package reached from the given ones, with what it depends on: of alternatives the first.
   *
   * @param {string[]} names
   * @returns {Promise<Map<string, string[]>>}
   */
  async #dependencies(names) {
    const without = ["recommends", "suggests", "conflicts", "breaks", "replaces", "enhances"];
    const text = await this.#apt("apt-cache", [
      "depends",
      "--recurse",
      ...without.map((kind) => `--no-${kind}`),
      ...names,
    ]);
    /** @type {Map<string, string[]>} */
    const graph = new Map();
    /** @type {string[]} */
    let current = [];
    let chosen = false; // an earlier alternative of this dependency was taken
    let virtual = false; // the dependency is provided by the packages of the following lines
    for (const line of text.split("\n")) {
      const [, bar, name] = /^ ([ |])(?:Pre)?Depends: (\S+)/.exec(line) ?? [];
      if (name !== undefined) {
        virtual = !chosen && name.startsWith("<");
        if (!chosen && !virtual) current.push(name);
        chosen = bar === "|";
      } else if (line.startsWith("    ")) {
        if (virtual) current.push(line.trim());
        virtual = false;
      } else if (line !== "") {
        current = [];
        graph.set(line.trim(), current);
      }
    }
    return graph;
  }

  /**
   * Downloads packages into this state's folder.
   *
   * @param {string[]} names
   * @returns {Promise<{ name: string, version: string, file: string, bytes: number }[]>}
   */
  async download(names) {
    const folder = join(this.#folder, "cache", "archives");
    const listed = await this.#apt("apt-get", ["download", "--print-uris", ...names]);
    const packages = listed.split("\n").filter((line) => line.startsWith("'")).map((line) => {
      // 'URI' NAME_VERSION_ARCHITECTURE.deb SIZE HASH
      const [, base, bytes] = line.split(" ");
      const [name, version] = base.split("_");
      return {
        name,
        version: decodeURIComponent(version),
        file: join(folder, base),
        bytes: +bytes,
      };
    });
    const missing = packages.filter(({ file }) => !existsSync(file)).map(({ name }) => name);
    if (missing.length > 0) await this.#apt("apt-get", ["download", "-qq", ...missing], folder);
    for (const { file } of packages) {
      if (!existsSync(file)) throw new Error(`apt-get download did not leave ${file}`);
    }
    return packages;
  }

  /**
   * @param {string} program
   * @param {string[]} args
   * @param {string} [cwd]
   * @returns {Promise<string>}
   */
  async #apt(program, args, cwd = this.#folder) {
    try {
      const options = { cwd, env: this.#env, maxBuffer: 1 << 26, timeout: 300_000 };
      return (await run(program, args, options)).stdout;
    } catch (error) {
      const { stderr, message } = /** @type {{ stderr?: string, message: string }} */ (error);
      throw new Error(`${program} ${args[0]} (${this.#suite}): ${stderr?.trim() || message}`);
    }
  }
}

/**
 * Unpacks packages into one root that a process can be confined to.
 *
 * @param {string[]} files
 * @param {string} root
 */
export async function unpack(files, root) {
  // Older packages ship /lib, newer ones /usr/lib: with the links of a merged /usr both end up in one.
  for (const name of ["bin", "lib", "lib64", "sbin"]) {
    mkdirSync(join(root, "usr", name), { recursive: true });
    symlinkSync(`usr/${name}`, join(root, name));
  }
  for (const name of ["dev", "etc", "instance", "proc", "run", "tmp", "var/lib"]) {
    mkdirSync(join(root, name), { recursive: true });
  }
  symlinkSync("../run", join(root, "var/run"));
  const excluded = left.map((name) => `--exclude='./usr/share/${name}/*'`).join(" ");
  for (const file of files) {
    const command = `set -o pipefail
dpkg-deb --fsys-tarfile "$1" | tar -x --keep-directory-symlink ${excluded} -C "$2" --file=-`;
    await run("bash", ["-c", command, "unpack", file, root]).catch((error) => {
      throw new Error(`unpacking ${file}: ${error.stderr?.trim() || error.message}`);
    });
  }
}
