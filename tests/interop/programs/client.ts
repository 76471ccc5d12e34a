// Our client as a peer meets it. Argument: a list of `{ name, hostname, options }` as JSON, all asked in
// the same seconds; says of each what it got, as a JSON line.

import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { NTPError, query } from "../../../mod.ts";

interface Target {
  name: string;
  hostname: string;
  options: Parameters<typeof query>[1];
}

async function ask({ name, hostname, options }: Target): Promise<unknown> {
  try {
    const { packet, offset, delay, rootDistance, samples } = await query(hostname, options);
    const { stratum, version, leapIndicator, referenceId } = packet;
    const heard = { stratum, version, leapIndicator, referenceId };
    return { name, offset, delay, rootDistance, samples: samples.length, ...heard };
  } catch (error) {
    const code = error instanceof NTPError ? error.code : "unexpected";
    return { name, code, message: String(error) };
  }
}

const targets: Target[] = JSON.parse(process.argv[2] ?? "[]");
await Promise.all(targets.map(async (target, i) => {
  await setTimeout(i * 100); // lest they measure each other
  console.log(JSON.stringify(await ask(target)));
}));
