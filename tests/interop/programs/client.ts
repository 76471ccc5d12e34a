// Our client as a peer meets it. Argument: a list of `{ name, hostname, options, key }` as JSON, `key` the
// line of a key file, or none; all asked in the same seconds. Says of each what it got, as a JSON line.

import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { NTPError, parseKeyFile, query, type QueryOptions } from "../../../mod.ts";

interface Target {
  name: string;
  hostname: string;
  options: QueryOptions;
  key?: string;
}

async function ask({ name, hostname, options, key: line }: Target): Promise<unknown> {
  try {
    const [key] = line === undefined ? [] : parseKeyFile(line);
    const { packet, offset, delay, rootDistance, samples, authentication } = await query(
      hostname,
      key === undefined ? options : { ...options, key },
    );
    const { stratum, version, leapIndicator, referenceId } = packet;
    const heard = { authentication, stratum, version, leapIndicator, referenceId };
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
