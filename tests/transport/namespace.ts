// Programs in a network namespace of their own: a machine with other interfaces, addresses and routes,
// which is gone when the program ends. Nothing of the real network is touched.
import { spawn, spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** After this long a program is killed, on a machine that has other work too. */
const LIMIT_MS = 60_000;

/** Where no one is root, in a user namespace of one's own one may be. */
const UNSHARE = process.getuid?.() === 0 ? ["unshare", "-n"] : ["unshare", "-Urn"];

/** Why commands cannot be run in a namespace, or false. */
export function namespaceLacks(commands: string): string | false {
  const [program, ...args] = UNSHARE;
  const { status, stderr } = spawnSync(program!, [...args, "sh", "-ec", commands], {
    encoding: "utf8",
  });
  if (status === 0) return false;
  return `no network namespace to be had: ${stderr?.trim().split("\n").at(-1) || "no unshare"}`;
}

/**
 * Runs a TypeScript file on the runtime that runs the tests, in a namespace.
 *
 * @param commands of the shell, run there before
 * @param file beside this one
 * @param args its arguments
 * @returns what it wrote to standard output
 */
export function runInNamespace(commands: string, file: string, args: string[]): Promise<string> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const flags = process.versions["deno"]
    ? ["run", "-q", "-A", "--unstable-net", "--no-check"]
    : process.versions["bun"]
    ? ["run"]
    : [];
  const [program, ...rest] = UNSHARE;
  // All by exec: the process that is killed when its time is up is the one that runs.
  const shell = ["sh", "-ec", `${commands}\nexec "$@"`, "sh"];
  const child = spawn(program!, [...rest, ...shell, process.execPath, ...flags, path, ...args], {
    env: { ...process.env, NO_COLOR: "1", NODE_TEST_CONTEXT: undefined },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "", stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => stdout += text);
  child.stderr.setEncoding("utf8").on("data", (text: string) => stderr += text);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => child.pid && process.kill(child.pid, "SIGKILL"), LIMIT_MS);
    child.on("error", reject);
    child.on("close", (status) => {
      clearTimeout(timer);
      if (status === 0) resolve(stdout);
      else reject(new Error(`${file} ended with ${status}\n${stdout}${stderr}`));
    });
  });
}
