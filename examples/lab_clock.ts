// A clock of one's own as the reference of a time server: an instrument of a laboratory, here one that
// only pretends to be, and loses its lock now and then.
//
//   deno run -A --unstable-net examples/lab_clock.ts [PORT]
//   bun run examples/lab_clock.ts [PORT]
//   node examples/lab_clock.ts [PORT]
//
// Your program imports from "@ntps/ntps", "@ntps/ntps/reference", "@ntps/ntps/sync" and
// "@ntps/ntps/packet".
import process from "node:process";
import { NTPServer, NTPSync } from "../mod.ts";
import { addSeconds } from "../src/packet/mod.ts";
import { ReferenceClock } from "../src/reference/mod.ts";
import type { SyncSink } from "../src/sync/mod.ts";

/** Stands for an oscillator that a time interval counter compares with this computer's clock. */
const instrument = {
  asked: 0,
  /** How far this computer's clock is behind; undefined while the oscillator is not locked. */
  read(): number | undefined {
    return ++this.asked % 30 < 20 ? 0.25 : undefined;
  },
};

/** The instrument, asked once a second. */
class LabClock extends ReferenceClock {
  #cancel = (): void => {};

  protected override open({ clock, timers }: SyncSink): void {
    const ask = (): void => {
      // Stamp first, then ask: what lies between is an error.
      const raw = clock.now(), offset = instrument.read();
      this.#cancel = timers.after(1000, ask);
      if (offset === undefined) this.unlock("the oscillator is not locked");
      else this.reading(addSeconds(raw, offset), raw);
    };
    ask();
  }

  protected override release(): void {
    this.#cancel();
  }
}

const [port = "12300"] = process.argv.slice(2);
const ending = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => ending.abort());

const lab = new LabClock({ refid: "LAB", maxError: 1e-6, poll: 2 });
const sync = await NTPSync.start({
  inputs: [lab],
  maxHoldover: 5,
  signal: ending.signal,
});
const server = new NTPServer({ clock: sync.clock });
const address = await server.listen({ port: Number(port), signal: ending.signal });
console.log(`Serving at port ${address.port}. Ctrl+C ends it.`);

const watch = setInterval(() => {
  const { locked, reason } = lab.status(), { synchronized } = sync.clock.state();
  const served = synchronized ? `± ${sync.clock.maxError.toExponential(1)} s` : "not synchronised";
  console.log(`${locked ? "locked" : `holdover (${reason})`}, ${served}`);
}, 5000);
ending.signal.addEventListener("abort", () => clearInterval(watch));
