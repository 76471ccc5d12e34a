// Programs of this repository as child processes, started as a user starts them: on the runtime that
// runs the tests, with no more than the flags that the README has.
import { spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** After this long a child is killed, on a machine that has other work too. */
const LIMIT_MS = 60_000;

/** How a child ended, and what it wrote. */
export interface Ended {
  /** Exit status; null if a signal ended it. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running child. */
export interface Child {
  /** When it has ended; rejects if it was killed since its time was up. */
  readonly ended: Promise<Ended>;
  /** Waits until standard output matches; rejects if the child ends before. */
  match(pattern: RegExp): Promise<RegExpExecArray>;
  /** Sends a signal. */
  kill(signal: "SIGINT" | "SIGTERM" | "SIGKILL"): void;
  /** Closes our end of its standard output, as `head` does. */
  closeStdout(): void;
}

function startArguments(file: string): string[] {
  // -q, or Deno tells of downloads on standard error.
  if (process.versions["deno"]) return ["run", "-q", "-A", "--unstable-net", file];
  return process.versions["bun"] ? ["run", file] : [file];
}

/**
 * Starts a TypeScript file.
 *
 * @param file from the root of the repository
 * @param args its arguments
 * @param options `cwd`: working directory, from the root of the repository; `input`: its standard input
 */
export function start(
  file: string,
  args: readonly string[] = [],
  { cwd = ".", input }: { cwd?: string; input?: Uint8Array | string } = {},
): Child {
  const child = spawn(process.execPath, [...startArguments(ROOT + file), ...args], {
    cwd: ROOT + cwd,
    env: { ...process.env, NO_COLOR: "1", NODE_TEST_CONTEXT: undefined },
    stdio: "pipe",
  });
  let stdout = "", stderr = "", late = false, over = false;
  // Not child.kill(): behind that, Deno does not tell the exit status.
  const kill = (signal: NodeJS.Signals) => {
    if (over || child.pid === undefined) return;
    try {
      process.kill(child.pid, signal);
    } catch {
      // It has ended meanwhile.
    }
  };
  const listeners = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    for (const listener of listeners) listener();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => stderr += text);
  child.stdin.on("error", () => {}); // it may have ended before it read
  child.stdin.end(input);

  const timer = setTimeout(() => {
    late = true;
    kill("SIGKILL");
  }, LIMIT_MS);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", () => over = true);
    child.on("close", (status) => {
      clearTimeout(timer);
      const said = `\n${stdout}${stderr}`;
      if (late) reject(new Error(`${file} did not end within ${LIMIT_MS} ms${said}`));
      else resolve({ status, stdout, stderr });
    });
  });
  ended.catch(() => {}); // for whom does not wait for the end

  return {
    ended,
    match: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = pattern.exec(stdout);
          if (found === null) return;
          listeners.delete(look);
          resolve(found);
        };
        listeners.add(look);
        look();
        ended.then(
          () => reject(new Error(`${file} ended without ${pattern}\n${stdout}${stderr}`)),
          reject,
        );
      }),
    kill,
    closeStdout: () => child.stdout.destroy(),
  };
}

/** Starts a file and waits for its end. */
export function run(...args: Parameters<typeof start>): Promise<Ended> {
  return start(...args).ended;
}
