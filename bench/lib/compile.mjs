// The programs in C: each folder is one, compiled when its source has changed, kept in the user's cache.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const flags = ["-O2", "-std=gnu11", "-Wall", "-Wextra"];

/**
 * @param {"load" | "accuracy" | "baseline"} name a folder of this benchmark's
 * @returns {string} the program's path
 */
export function compile(name) {
  const folder = fileURLToPath(new URL(`../${name}/`, import.meta.url));
  const names = readdirSync(folder).filter((name) => /\.[ch]$/.test(name)).sort();
  const hash = createHash("sha256").update(flags.join(" "));
  for (const name of names) hash.update(name).update(readFileSync(join(folder, name)));
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "ntps-bench");
  const program = join(cache, `${name}-${process.arch}-${hash.digest("hex").slice(0, 12)}`);
  if (existsSync(program)) return program;
  mkdirSync(cache, { recursive: true });
  const sources = names.filter((name) => name.endsWith(".c")).map((name) => join(folder, name));
  const made = `${program}.${process.pid}`;
  try {
    execFileSync("cc", [...flags, "-o", made, ...sources, "-lm"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
  } catch (error) {
    const { code, stderr } = /** @type {{ code?: string, stderr?: Uint8Array }} */ (error);
    throw new Error(
      code === "ENOENT"
        ? `cc is missing: it compiles bench/${name}`
        : `cc could not compile bench/${name}: ${stderr}`,
    );
  }
  renameSync(made, program);
  return program;
}
