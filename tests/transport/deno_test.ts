import { test } from "node:test";
import { bindDenoUdp } from "../../src/transport/deno.ts";
import { currentRuntime } from "../../src/transport/runtime.ts";
import type { Adapter } from "./adapter.ts";
import { conformance } from "./conformance.ts";
import { multicastConformance } from "./multicast_conformance.ts";

const deno: Adapter = {
  kind: "deno",
  bind: bindDenoUdp,
  skip: currentRuntime() === "deno" ? undefined : "runs on Deno only",
  reportsRefusal: false,
  honours: ["reuseAddress"],
  keepsScope: false,
  broadcastsUnasked: true,
};
const checks = [...conformance(deno), ...multicastConformance(deno)];
for (const { name, skip, run } of checks) test(name, { skip }, run);
