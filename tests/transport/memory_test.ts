import { test } from "node:test";
import { MemoryNetwork } from "../../src/transport/memory.ts";
import { conformance } from "./conformance.ts";

const checks = conformance({
  kind: "memory",
  bind: new MemoryNetwork().bind,
  reportsRefusal: true,
  honours: ["ipv6Only"],
  keepsScope: true,
  virtual: true,
});
for (const { name, skip, run } of checks) test(name, { skip }, run);
