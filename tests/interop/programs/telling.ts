// A clock of ours that tells chronyd and ntpd its time, through shared memory and a socket. Argument as
// JSON: `ahead`, how far it is ahead of the machine's clock, in seconds; `units` of the segments; `path`
// of the socket, which need not be there yet.

import process from "node:process";
import { addSeconds, FunctionClock } from "../../../mod.ts";
import { ShmPublisher, SockPublisher } from "../../../src/reference/mod.ts";
import { publisherWorld } from "../../../src/reference/publisher.ts";

const { ahead, units, path } = JSON.parse(process.argv[2] ?? "{}");
const { system } = await publisherWorld();
const clock = new FunctionClock(() => addSeconds(system.now(), ahead), { precision: -20 });
const publishers = await Promise.all([
  ...units.map((unit: number) => ShmPublisher.start({ clock, unit, intervalMs: 250 })),
  SockPublisher.start({ clock, path, intervalMs: 250 }),
]);
console.log(JSON.stringify({ ready: units }));

process.stdin.resume();
process.stdin.on("end", () => Promise.all(publishers.map((publisher) => publisher.close())));
