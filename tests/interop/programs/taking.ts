// Clocks of ours that follow what other programs tell through shared memory and a socket. Argument as
// JSON: `clocks`, each with `kind`, "shm" or "sock", and its `options`. Writes a line for each, when it
// has been set and has heard some more, and again and again.

import process from "node:process";
import { NTPSync } from "../../../mod.ts";
import { clockDifference } from "../../../src/reference/clock_difference.ts";
import { ShmClock, SockClock } from "../../../src/reference/mod.ts";
import { publisherWorld } from "../../../src/reference/publisher.ts";

/** Readings that tell enough. */
const ENOUGH = 4;

const { clocks } = JSON.parse(process.argv[2] ?? "{}");
const { system } = await publisherWorld();

async function take(kind: string, options: never): Promise<void> {
  const input = kind === "shm" ? new ShmClock(options) : new SockClock(options);
  const sync = await NTPSync.start({ inputs: [input], timeoutMs: 30_000 });
  const look = setInterval(() => {
    const { readings, rejected } = input.status();
    if (readings < ENOUGH) return;
    const ahead = Number(BigInt.asIntN(64, clockDifference(sync.clock, system))) / 2 ** 32;
    const { stratum } = sync.clock.state();
    console.log(JSON.stringify({ refid: input.refid, ahead, stratum, rejected }));
  }, 500);
  process.stdin.on("end", () => {
    clearInterval(look);
    void sync.close();
  });
}

process.stdin.resume();
await Promise.all(
  clocks.map(({ kind, options }: { kind: string; options: never }) => take(kind, options)),
);
