// Child processes that always end: each has a time limit, and ends with all its children by process
// id when the limit or the parent's own end comes.
import { spawn } from "node:child_process";
import { constants } from "node:os";

/** How long a process that is told to end may take. */
const GRACE_MS = 2000;

const running = new Set();

function end(child) {
  try {
    // A group of its own (`detached`) takes grandchildren along.
    if (process.platform === "win32") child.kill("SIGKILL");
    else process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}

process.on("exit", () => running.forEach(end));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => process.exit(128 + constants.signals[signal]));
}

/**
 * Runs a command to its end. Never rejects.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {object} options `cwd`, `env` (added to this process's), `timeoutMs` (10 minutes), `inherit`
 *   (the child writes to our own output), `onOutput(text)`
 * @returns {Promise<{ code: number, output: string, stdout: string, timedOut: boolean }>} code 127: not
 *   to be started; 124: ended by the time limit
 */
export function run(command, args, options = {}) {
  const { cwd, env, timeoutMs = 600_000, inherit = false, onOutput } = options;
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      // A group in the background may not read from the terminal.
      stdio: inherit ? ["ignore", "inherit", "inherit"] : ["ignore", "pipe", "pipe"],
      detached: process.platform !== "win32",
    });
    running.add(child);
    let output = "";
    let stdout = "";
    let timedOut = false;
    let lastWord;
    const timer = setTimeout(() => {
      timedOut = true;
      // Node's test runner then says which file it was waiting for.
      child.kill("SIGTERM");
      lastWord = setTimeout(() => end(child), GRACE_MS);
    }, timeoutMs);
    const take = (text) => {
      output += text;
      onOutput?.(text);
    };
    child.stdout?.setEncoding("utf8").on("data", (text) => {
      stdout += text;
      take(text);
    });
    child.stderr?.setEncoding("utf8").on("data", take);
    const done = (code) => {
      clearTimeout(timer);
      clearTimeout(lastWord);
      // What it may have left behind is in its group.
      if (timedOut) end(child);
      running.delete(child);
      resolve({ code: timedOut ? 124 : code, output, stdout, timedOut });
    };
    child.on("error", (error) => {
      take(`${command}: ${error.message}\n`);
      done(127);
    });
    child.on("close", (code, signal) => done(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}
