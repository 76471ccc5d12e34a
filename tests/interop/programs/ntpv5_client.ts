// Asks each server in NTPv5; one JSON line each.
import process from "node:process";
import { type NTPv5QueryOptions, queryNTPv5 } from "../../../src/experimental/mod.ts";

const targets: { name: string; hostname: string; options: NTPv5QueryOptions }[] = JSON.parse(
  process.argv[2]!,
);
for (const { name, hostname, options } of targets) {
  try {
    const { offset, delay, packet, ntpv5, referenceIds } = await queryNTPv5(hostname, options);
    const fields = ntpv5?.extensionFields.map(({ type, value }) => [type, value.length]);
    const bits = referenceIds?.bytes.reduce(
      (sum, byte) => sum + byte.toString(2).split("1").length - 1,
      0,
    );
    const { stratum } = packet;
    const version = ntpv5 === undefined ? 4 : 5;
    const information = [...ntpv5?.field(0xf505) ?? []];
    console.log(
      JSON.stringify({ name, version, offset, delay, stratum, fields, bits, information }),
    );
  } catch (error) {
    console.log(JSON.stringify({ name, message: (error as Error).message }));
  }
}
