// What a clock that follows servers does not fall for: rows of the table in README.md, each test named
// after one.
import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { NTPServer } from "../../src/server/ntp_server.ts";
import { checkDiscipline, Discipline } from "../../src/sync/discipline.ts";
import { NTPSync } from "../../src/sync/ntp_sync.ts";
import { type Candidate, select } from "../../src/sync/selection.ts";
import { Simulation } from "../../src/testing/simulation.ts";

test("loops: own reference id, own address in a pool, two servers following each other (chrony, ntpd-rs #1105)", async () => {
  const simulation = new Simulation({ seed: 1, link: { base: 0.001, exponential: 0.0001 } });
  await simulation.addServer({
    name: "reference",
    stratum: 1,
    refid: "GPS",
    faults: [{ kind: "silent", from: 600 }],
  });
  const addresses = ["10.9.9.1", "10.9.9.2"];
  const nodes = addresses.map((address, i) =>
    simulation.addNode({ name: `node${i}`, address, clock: { offset: 0.1, frequency: 1e-5 } })
  );
  simulation.addName("pool", ["reference", "node0", "node1"]);
  const follow = async (i: number, maxHoldover: number) => {
    const { world } = nodes[i]!;
    const sync = await simulation.runUntil(NTPSync.start({
      ...world,
      pools: [{ hostname: "pool", maxPoll: 6 }],
      ownAddresses: [addresses[i]!],
      maxHoldover,
    }));
    const server = new NTPServer({ clock: sync.clock, bind: world.bind! });
    await server.listen({ hostname: addresses[i]! });
    return { sync, server };
  };
  const both = [await follow(0, 600), await follow(1, 600)];
  await simulation.run(500);
  assert(both.every(({ sync }) => sync.clock.state().synchronized));
  assert(both.every(({ sync }) => sync.sources().some(({ state }) => state === "selected")));
  // Without the reference, neither takes its own time back from the other, or from itself, for long.
  await simulation.run(3600);
  for (const { sync } of both) {
    assertEquals(sync.sources().filter(({ state }) => state === "selected"), []);
    assertEquals(sync.clock.state().synchronized, false);
  }
  for (const { sync, server } of both) {
    await sync.close();
    await server.close();
  }
});

const estimate = (offset: number) => ({
  time: 0,
  offset,
  frequency: 0,
  offsetVariance: 1e-10,
  frequencyVariance: 1e-16,
  covariance: 0,
});

test("small step then big step past the panic gate (CVE-2015-5300)", () => {
  const discipline = new Discipline(checkDiscipline({ stepThreshold: 0.1 }));
  assertEquals(discipline.follow(0, estimate(1e6), 64), "started"); // the first time anything goes
  assertEquals(discipline.follow(10, estimate(1e6 + 1), 64), "stepped");
  assertEquals(discipline.follow(20, estimate(1e6 + 1500), 64), "refused");
  assertAlmostEquals(discipline.correctionAt(30), 1e6 + 1, 1e-6);
});

test("leap indicator and smear together; smeared and plain sources mixed (NTPsec, ntpd-rs #1404)", () => {
  const candidate = (offset: number, smeared: boolean): Candidate => ({
    estimate: estimate(offset),
    distance: 0.5,
    smeared,
  });
  const smeared = [candidate(0.3, true), candidate(0.31, true)];
  const plain = [candidate(0, false), candidate(0.01, false), candidate(0.02, false)];
  assertEquals(select([...smeared, ...plain], 5).states.map((state) => state === "selected"), [
    ...[false, false, true, true, true],
  ]);
  assertEquals(select([...smeared, plain[0]!], 3).states, ["selected", "selected", "smeared"]);
});
