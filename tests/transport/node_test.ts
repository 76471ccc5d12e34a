import process from "node:process";
import { test } from "node:test";
import { bindNodeUdp } from "../../src/transport/node.ts";
import { currentRuntime } from "../../src/transport/runtime.ts";
import { conformance } from "./conformance.ts";

const onDeno = currentRuntime() === "deno";
const [major, minor] = process.versions.node.split(".").map(Number) as [number, number];
const sharesPorts = !onDeno && (major > 22 || (major === 22 && minor >= 12));

const checks = conformance({
  kind: "node",
  bind: bindNodeUdp,
  reportsRefusal: !onDeno,
  honours: [...(sharesPorts ? ["reusePort"] as const : []), "reuseAddress", "ipv6Only"],
  keepsScope: !onDeno,
});
for (const { name, skip, run } of checks) test(name, { skip }, run);
