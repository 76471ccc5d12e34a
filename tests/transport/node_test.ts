import { test } from "node:test";
import { bindNodeUdp } from "../../src/transport/node.ts";
import { currentRuntime } from "../../src/transport/runtime.ts";
import { conformance } from "./conformance.ts";

const onDeno = currentRuntime() === "deno";

const checks = conformance({
  kind: "node",
  bind: bindNodeUdp,
  reportsRefusal: !onDeno,
  honours: onDeno ? ["reuseAddress", "ipv6Only"] : ["reusePort", "reuseAddress", "ipv6Only"],
  keepsScope: !onDeno,
});
for (const { name, skip, run } of checks) test(name, { skip }, run);
