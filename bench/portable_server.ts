// The server under load: `portable_server.ts HOSTNAME PORT`, over this runtime's own sockets.

import process from "node:process";
import { NTPServer } from "../mod.ts";

const [hostname, port] = process.argv.slice(2);
const server = new NTPServer({ refid: "GPS", stratum: 1 });
await server.listen({ hostname: hostname!, port: Number(port) });
