import { test } from "node:test";
import { bindDenoUdp } from "../../src/transport/deno.ts";
import { currentRuntime } from "../../src/transport/runtime.ts";
import { conformance } from "./conformance.ts";

const checks = conformance({
  kind: "deno",
  bind: bindDenoUdp,
  skip: currentRuntime() === "deno" ? undefined : "runs on Deno only",
  reportsRefusal: false,
  honours: ["reuseAddress"],
  keepsScope: false,
});
for (const { name, skip, run } of checks) test(name, { skip }, run);
