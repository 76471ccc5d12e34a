import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { NTPError } from "../../src/packet/error.ts";
import { bindUdp, nativeObstacle, udpAdapter } from "../../src/transport/bind_udp.ts";
import { MemoryNetwork } from "../../src/transport/memory.ts";
import { currentRuntime } from "../../src/transport/runtime.ts";
import type { UdpBindOptions } from "../../src/transport/udp_transport.ts";
import { Inbox } from "./inbox.ts";

const options = new Inbox().options({ hostname: "127.0.0.1" });

const obstacle = await nativeObstacle();

test("bindUdp: native where that can be, else the adapter of the runtime, and why", async () => {
  for (const bind of [bindUdp, udpAdapter("auto")]) {
    const transport = await bind(options);
    assertEquals(transport.kind, obstacle === undefined ? "native" : currentRuntime());
    assertEquals(transport.choice, obstacle ?? "auto");
    await transport.close();
  }
});

test("bindUdp: on Node native only when asked for", () => {
  if (currentRuntime() === "node") assertEquals(obstacle, "is experimental on Node: ask for it");
});

test("bindUdp: the adapter of the runtime, when asked for", async () => {
  const portable = (more: UdpBindOptions) => bindUdp({ ...more, transport: "portable" });
  for (const bind of [portable, udpAdapter("portable"), udpAdapter(currentRuntime()!)]) {
    const transport = await bind(options);
    assertEquals(transport.kind, currentRuntime());
    assertEquals(transport.choice, undefined);
    await transport.close();
  }
});

test("bindUdp: for multicast the adapter that can, which on Deno is node:dgram", async () => {
  const transport = await bindUdp({ ...options, multicast: true, transport: "portable" });
  assertEquals(transport.kind, currentRuntime() === "deno" ? "node" : currentRuntime());
  await transport.close();
});

test("udpAdapter: node:dgram everywhere", async () => {
  const transport = await udpAdapter("node")(options);
  assertEquals(transport.kind, "node");
  await transport.close();
});

test("udpAdapter: the adapter of another runtime says so", async () => {
  for (const name of ["deno", "bun"] as const) {
    if (name === currentRuntime()) continue;
    const error = await assertRejects(() => udpAdapter(name)(options), NTPError, `"${name}"`);
    assertEquals(error.code, "unsupported");
  }
});

test("udpAdapter: a function is an adapter", () => {
  const { bind } = new MemoryNetwork();
  assertStrictEquals(udpAdapter(bind), bind);
});

test("udpAdapter: an unknown name, with those that there are", () => {
  for (const name of ["dgram", "toString", undefined]) {
    const error = assertThrows(() => udpAdapter(name as never), RangeError);
    for (const text of [String(name), '"auto"', '"deno"', '"bun"', '"node"']) {
      assert(error.message.includes(text), error.message);
    }
  }
});

test("bindUdp: wrong options reject, they do not throw", async () => {
  const binding = bindUdp(undefined as never);
  await assertRejects(() => binding, TypeError);
});
