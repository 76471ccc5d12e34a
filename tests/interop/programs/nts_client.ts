// Our client with NTS as a peer meets it. Argument: a list of `{ name, hostname, ca, aead }` as JSON; keys
// are exchanged with each, and it is asked three times. Says of each what it got, as a JSON line.

import process from "node:process";
import { NTPError, query } from "../../../mod.ts";
import { establishNts, NtsSession } from "../../../src/nts/mod.ts";

interface Target {
  name: string;
  hostname: string;
  ca: string;
  aead: number;
}

async function ask({ name, hostname, ca, aead }: Target): Promise<unknown> {
  let chosen = 0;
  const nts = new NtsSession({
    async establish(signal) {
      const establishment = await establishNts(hostname, {
        ca,
        aeads: [aead],
        ...(signal && { signal }),
      });
      chosen = establishment.aead;
      return establishment;
    },
  });
  try {
    const options = { nts, samples: 3, intervalMs: 200, timeoutMs: 5000 };
    const { packet, offset, delay, authentication, samples } = await query(hostname, options);
    const { stratum, referenceId } = packet;
    const { exchanges, cookies } = nts.statistics();
    const heard = { authentication, stratum, referenceId, aead: chosen, exchanges, cookies };
    return { name, offset, delay, samples: samples.length, ...heard };
  } catch (error) {
    const code = error instanceof NTPError ? error.code : "unexpected";
    return { name, code, message: String(error) };
  }
}

const targets: Target[] = JSON.parse(process.argv[2] ?? "[]");
for (const target of targets) console.log(JSON.stringify(await ask(target)));
process.exit();
