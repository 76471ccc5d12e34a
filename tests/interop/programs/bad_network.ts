// A bad network between real programs. Argument: the options of `Relay.start()` as JSON:
// `{ listen, target, link, seed, spinMs }`. Says "ready" with its address; each line of its input is
// another `link` as JSON, said to be "changed"; when its input ends it says its statistics.

import process from "node:process";
import { Relay } from "../../../src/testing/relay.ts";

const relay = await Relay.start({
  ...JSON.parse(process.argv[2] ?? "{}"),
  onError: (error) => console.error(error.message),
});
console.log(JSON.stringify({ ready: { hostname: relay.hostname, port: relay.port } }));

let rest = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (text: string) => {
  const lines = `${rest}${text}`.split("\n");
  rest = lines.pop()!;
  for (const line of lines) {
    relay.setLink(JSON.parse(line));
    console.log(JSON.stringify({ changed: relay.elapsedMs }));
  }
});
process.stdin.on("end", async () => {
  const statistics = relay.statistics();
  await relay.close();
  console.log(JSON.stringify({ statistics }));
});
