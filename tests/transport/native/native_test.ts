import { test } from "node:test";
import { bindNativeUdp } from "../../../src/transport/native/bind_native.ts";
import { loadNative } from "../../../src/transport/native/load_native.ts";
import { type Adapter, forMulticast } from "../adapter.ts";
import { conformance } from "../conformance.ts";
import { multicastConformance } from "../multicast_conformance.ts";

const { reason } = await loadNative();
const native: Adapter = {
  kind: "native",
  bind: bindNativeUdp,
  skip: reason,
  reportsRefusal: true,
  honours: ["reusePort", "reuseAddress", "ipv6Only", "multicast"],
  keepsScope: true,
  stampedByKernel: true,
};
const checks = [
  ...conformance(native),
  ...conformance(forMulticast(native)),
  ...multicastConformance(native),
];
for (const { name, skip, run } of checks) test(name, { skip }, run);
