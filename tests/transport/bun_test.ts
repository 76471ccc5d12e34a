import { test } from "node:test";
import { bindBunUdp } from "../../src/transport/bun.ts";
import { currentRuntime } from "../../src/transport/runtime.ts";
import { type Adapter, forMulticast } from "./adapter.ts";
import { conformance } from "./conformance.ts";
import { multicastConformance } from "./multicast_conformance.ts";

const bun: Adapter = {
  kind: "bun",
  bind: bindBunUdp,
  skip: currentRuntime() === "bun" ? undefined : "runs on Bun only",
  reportsRefusal: true,
  honours: ["reusePort", "reuseAddress", "ipv6Only", "multicast"],
  keepsScope: true,
};
const checks = [
  ...conformance(bun),
  ...conformance(forMulticast(bun)),
  ...multicastConformance(bun),
];
for (const { name, skip, run } of checks) test(name, { skip }, run);
