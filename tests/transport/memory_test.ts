import { test } from "node:test";
import { MemoryNetwork } from "../../src/transport/memory.ts";
import { type Adapter, forMulticast } from "./adapter.ts";
import { conformance } from "./conformance.ts";
import { multicastConformance } from "./multicast_conformance.ts";

const memory: Adapter = {
  kind: "memory",
  bind: new MemoryNetwork({ subnets: ["127.0.0.0/8"] }).bind,
  reportsRefusal: true,
  honours: ["ipv6Only", "multicast"],
  keepsScope: true,
  virtual: true,
};
const checks = [
  ...conformance(memory),
  ...conformance(forMulticast(memory)),
  ...multicastConformance(memory),
];
for (const { name, skip, run } of checks) test(name, { skip }, run);
