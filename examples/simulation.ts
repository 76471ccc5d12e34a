// How an application tests its own handling of time: in a simulated world, where a day takes a
// moment, where everything that can be wrong with clocks, networks and time servers is, and where
// the true time is known.
//
//   deno run -A --unstable-net examples/simulation.ts
//   bun run examples/simulation.ts
//   node examples/simulation.ts
//
// Your program imports from "@ntps/ntps" and "@ntps/ntps/testing".
import { type Clock, NTPSync } from "../mod.ts";
import { timestampDifference, timestampFromDate } from "../src/packet/mod.ts";
import { falsetickers, Simulation } from "../src/testing/mod.ts";

// The application: an auction, which takes no bids after its end. It is given a clock and asks no
// other one, so that it does not know whether it is being tested.
class Auction {
  readonly #clock: Clock;
  readonly #end: bigint;

  constructor(clock: Clock, end: Date) {
    this.#clock = clock;
    this.#end = timestampFromDate(end);
  }

  get isOpen(): boolean {
    return timestampDifference(this.#end, this.#clock.now()) > 0;
  }
}

// The world: five servers some 20 ms away, two of which begin to lie after six hours; a network that
// loses 5 % and is down for twenty minutes; and a machine whose clock is 2 s late and gains 50 µs a
// second.
const start = new Date("2026-11-23T00:00:00Z"), end = new Date("2026-11-24T00:00:00Z");
const simulation = new Simulation({ seed: 1, start });
const wrong = falsetickers("together", 2, { size: 3, from: 6 * 3600 });
const servers = ["a", "b", "c", "d", "e"].map((letter) => `${letter}.ntp.example`);
for (const [index, name] of servers.entries()) {
  await simulation.addServer({ name, faults: wrong[index] ?? [] });
}
const machine = simulation.addNode({
  name: "auctioneer",
  clock: { offset: -2, frequency: 50e-6, wander: 1e-9 },
  link: { base: 0.010, exponential: 0.002, loss: 0.05 },
});
simulation.cut({ from: 12 * 3600, until: 12 * 3600 + 1200 }, ["auctioneer"]);

// What runs in it is the code itself: all that it asks of the machine comes from `machine.world`.
const sync = await simulation.runUntil(NTPSync.start({ servers, ...machine.world }));
const auction = new Auction(sync.clock, end);

// A day passes. Each second the clock is compared with the truth, and at the end each millisecond
// the auction is looked at.
const errors = simulation.watch(sync.clock);
await simulation.run(86_390 - simulation.elapsed);
let closedAt = NaN;
simulation.time.observe(1, () => {
  if (Number.isNaN(closedAt) && !auction.isOpen) closedAt = simulation.elapsed;
});
await simulation.run(20);
await sync.close();

const { rmsTime, maxTime } = errors.statistics();
console.log(`The machine's own clock is ${machine.offset.toFixed(3)} s wrong.`);
console.log(`The clock of the application was wrong by ${milliseconds(rmsTime)} (RMS)`);
console.log(`and never by more than ${milliseconds(maxTime)}.`);
console.log(`The auction closed ${milliseconds(closedAt - 86_400)} after its end.`);
if (!(Math.abs(closedAt - 86_400) < 0.010)) throw new Error("That is too much!");

function milliseconds(seconds: number): string {
  return `${(1000 * seconds).toFixed(1)} ms`;
}
