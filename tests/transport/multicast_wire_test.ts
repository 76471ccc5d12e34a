import { test } from "node:test";
import { assertEquals, assertMatch } from "@std/assert";
import { currentRuntime } from "../../src/transport/runtime.ts";
import { namespaceLacks, runInNamespace } from "./namespace.ts";

/** A wire from va to vb, which counts what leaves with a hop limit of 7. */
const FIRST_WIRE = `
  ip link add va type veth peer name vb
  ip addr add 10.1.0.1/24 brd 10.1.0.255 dev va
  ip addr add 10.2.0.1/24 dev vb
  ip addr add fd01::1/64 dev va nodad
  ip link set va up
  ip link set vb up
  tc qdisc add dev va root handle 1: htb default 1 r2q 10000
  tc class add dev va parent 1: classid 1:1 htb rate 1gbit
  tc class add dev va parent 1: classid 1:7 htb rate 1gbit
  tc filter add dev va parent 1: protocol ip prio 1 u32 match u8 7 0xff at 8 flowid 1:7
  tc filter add dev va parent 1: protocol ipv6 prio 2 u32 match u8 7 0xff at 7 flowid 1:7
`;

/** And one from wa to wb. What comes by a wire has a source of this machine, which is allowed. */
const MACHINE = `
  for one in all default; do
    echo 1 > /proc/sys/net/ipv4/conf/$one/accept_local
    echo 0 > /proc/sys/net/ipv4/conf/$one/rp_filter
  done
  echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad
  ip link set lo up
  ip link add wa type veth peer name wb
  ip addr add 10.3.0.1/24 dev wa
  ip addr add 10.4.0.1/24 dev wb
  ip link set wa up
  ip link set wb up
  ${FIRST_WIRE}
`;

const lacks = namespaceLacks(MACHINE);

for (const adapter of ["node", "bun"] as const) {
  const skip = adapter === "bun" && currentRuntime() !== "bun" ? "runs on Bun only" : lacks;

  test(`${adapter}: multicast and broadcast over a wire`, { skip }, async () => {
    const ipv6HopLimit = currentRuntime() !== "deno";
    const again = `ip link delete va\n${FIRST_WIRE}`;
    const args = [adapter, again, ipv6HopLimit ? "IPv6" : "IPv4"];
    const seen = JSON.parse(await runInNamespace(MACHINE, "multicast_wire.ts", args));
    const check = (what: string, expected: unknown) => assertEquals(seen[what], expected, what);

    check("kind", adapter);
    for (const what of ["join without route", "send without route"]) {
      assertMatch(seen[what], /^unreachable: .*ip route add 224\.0\.0\.0\/4 dev/, what);
    }
    for (const group of ["224.0.1.1", "ff02::101", "ff05::101"]) {
      check(group, {
        wa: false,
        va: true,
        "va, left": false,
        "to itself, without loopback": false,
        "to itself": true,
      });
    }
    check("scope", [false, true]);
    check("join by the route", "");
    check("by the route", true);
    check("joined twice", "");
    assertMatch(seen["joined both ways"], /^undefined: group 224\.0\.1\.1 is joined on named/);
    check("interface that came back", true);
    check("broadcast", true);
    check("left with a hop limit of 7", ipv6HopLimit ? [0, 0, 1, 1] : [0, 1]);
  });
}
