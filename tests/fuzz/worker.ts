// worker.ts TARGET SEED COUNT: fuzzes in this process. On stdout a line with the number of packets now
// and then, at last one with the outcome as JSON.
import process from "node:process";
import { readCorpus } from "./corpus.ts";
import { fuzz, TARGETS } from "./fuzz.ts";

const REPORT_MS = 1000;

const [name, seed, count] = process.argv.slice(2);
let reported = performance.now();
const outcome = fuzz(TARGETS[name!]!(), readCorpus(), Number(seed), Number(count), (packets) => {
  if (performance.now() - reported < REPORT_MS) return;
  reported = performance.now();
  console.log(packets);
});
console.log(JSON.stringify(outcome));
