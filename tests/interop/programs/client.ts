// Our client as a peer meets it. Argument: a list of `{ hostname, options }` as JSON, asked one after
// the other; says of each what it got, as a JSON line.

import process from "node:process";
import { NTPError, query } from "../../../mod.ts";

for (const { hostname, options } of JSON.parse(process.argv[2] ?? "[]")) {
  try {
    const { packet, offset, delay, rootDistance, samples } = await query(hostname, options);
    console.log(JSON.stringify({
      hostname,
      offset,
      delay,
      rootDistance,
      samples: samples.length,
      stratum: packet.stratum,
      version: packet.version,
      leapIndicator: packet.leapIndicator,
      referenceId: packet.referenceId,
    }));
  } catch (error) {
    const code = error instanceof NTPError ? error.code : "unexpected";
    console.log(JSON.stringify({ hostname, code, message: String(error) }));
  }
}
