import { test } from "node:test";
import { bindBunUdp } from "../../src/transport/bun.ts";
import { currentRuntime } from "../../src/transport/runtime.ts";
import { conformance } from "./conformance.ts";

const checks = conformance({
  kind: "bun",
  bind: bindBunUdp,
  skip: currentRuntime() === "bun" ? undefined : "runs on Bun only",
  reportsRefusal: true,
  honours: ["reusePort", "reuseAddress", "ipv6Only"],
  keepsScope: true,
});
for (const { name, skip, run } of checks) test(name, { skip }, run);
