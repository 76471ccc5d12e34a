// The command `ntps` on a network in memory, on which every name is one host that serves time.
import { NTPServer, SystemClock, systemTimers } from "../../mod.ts";
import { run } from "../../src/cli/run.ts";
import { MemoryNetwork } from "../../src/transport/memory.ts";

const SERVER = "192.0.2.1";

/** What the command did. */
export interface Done {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs the command with arguments as a shell has them, without quotes. One that would go on is asked
 * to end as soon as it has said something.
 */
export async function runNtps(args: string): Promise<Done> {
  const network = new MemoryNetwork();
  const server = new NTPServer({ bind: network.bind, refid: "GPS" });
  await server.listen({ hostname: SERVER });
  const said = { stdout: "", stderr: "" };
  let onSignal = (_name: string): void => {};
  const output = (name: "stdout" | "stderr") => ({
    styled: false,
    write(text: string): void {
      said[name] += text;
      setTimeout(() => onSignal("SIGTERM"));
    },
  });
  try {
    const status = await run(args.split(" "), {
      stdout: output("stdout"),
      stderr: output("stderr"),
      clock: new SystemClock(),
      // Two seconds between samples are for strangers' servers.
      timers: { after: (ms, callback) => systemTimers.after(ms / 20, callback) },
      bind: network.bind,
      queryOptions: { resolve: () => Promise.resolve([SERVER]) },
      readFile: (path) => Promise.reject(new Error(`${path} is not read here`)),
      onSignal(callback) {
        onSignal = callback;
        return () => {
          onSignal = () => {};
        };
      },
    });
    return { status, ...said };
  } finally {
    await server.close();
  }
}
