// A server of ours whose clock is wrong. Argument: `{ hostname, port, ahead }` as JSON, `ahead` in
// seconds. Says "ready", and ends with its input.

import process from "node:process";
import { addSeconds, FunctionClock, NTPServer, SystemClock } from "../../../mod.ts";

const { hostname, port, ahead } = JSON.parse(process.argv[2] ?? "{}");
const right = new SystemClock();
const clock = new FunctionClock(() => addSeconds(right.now(), ahead), { precision: -20 });
const server = new NTPServer({ clock, stratum: 1, refid: "LIE" });
await server.listen({ hostname, port });
console.log(JSON.stringify({ ready: server.addresses }));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
