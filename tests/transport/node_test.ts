import process from "node:process";
import { test } from "node:test";
import { bindNodeUdp } from "../../src/transport/node.ts";
import { currentRuntime } from "../../src/transport/runtime.ts";
import { type Adapter, forMulticast } from "./adapter.ts";
import { conformance } from "./conformance.ts";
import { multicastConformance } from "./multicast_conformance.ts";

const onDeno = currentRuntime() === "deno";
const [major, minor] = process.versions.node.split(".").map(Number) as [number, number];
const sharesPorts = !onDeno && (major > 22 || (major === 22 && minor >= 12));

const node: Adapter = {
  kind: "node",
  bind: bindNodeUdp,
  reportsRefusal: !onDeno,
  honours: [
    ...(sharesPorts ? ["reusePort"] as const : []),
    "reuseAddress",
    "ipv6Only",
    "multicast",
  ],
  keepsScope: !onDeno,
  broadcastsUnasked: onDeno,
  ipv6HopLimit: !onDeno,
};
const checks = [
  ...conformance(node),
  ...conformance(forMulticast(node)),
  ...multicastConformance(node),
];
for (const { name, skip, run } of checks) test(name, { skip }, run);
