// Our client with NTS, which asks a server again and again. Argument: `{ hostname, ca }` as JSON. Says of
// each time what came of it, as a JSON line. Takes `lose N` (the next N replies do not arrive) as a line;
// ends when its input ends.

import process from "node:process";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { NTPError, query } from "../../../mod.ts";
import { establishNts, NtsSession } from "../../../src/nts/mod.ts";
import type { NtsSource } from "../../../src/nts/nts_source.ts";

const { hostname, ca } = JSON.parse(process.argv[2] ?? "{}");
const session = new NtsSession({
  establish: (signal) => establishNts(hostname, { ca, ...(signal && { signal }) }),
});

let toLose = 0;
let hasEnded = false;
const nts: NtsSource = {
  ready: (signal) => session.ready(signal),
  get isWanting() {
    return session.isWanting;
  },
  protect(header) {
    const request = session.protect(header);
    const lost = toLose > 0;
    if (lost) toLose--;
    return {
      bytes: request.bytes,
      receive: (data) => lost ? "unauthentic" : request.receive(data),
    };
  },
};

createInterface({ input: process.stdin })
  .on("line", (line) => toLose = Number(line.split(" ")[1]))
  .on("close", () => hasEnded = true);
while (!hasEnded) {
  let heard: unknown;
  try {
    const { authentication, offset } = await query(hostname, { nts, timeoutMs: 300 });
    heard = { authentication, offset };
  } catch (error) {
    heard = { code: error instanceof NTPError ? error.code : "unexpected", message: String(error) };
  }
  console.log(JSON.stringify({ heard, session: session.statistics(), toLose }));
  await setTimeout(300);
}
process.exit();
