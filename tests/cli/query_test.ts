import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { parseKeyFile } from "../../src/auth/key_file.ts";
import { NTPPacket } from "../../src/packet/mod.ts";
import { FakeWorld, TextOutput } from "./fake_world.ts";

test("ntps query: a row for each host, in their order, aligned", async () => {
  const world = new FakeWorld();
  world.names.set("far.example", ["2001:db8::7"]);
  await world.serve("192.0.2.1", { refid: "GPS" }, { aheadSeconds: 0.25 });
  await world.serve("2001:db8::7", { refid: "192.0.2.1", stratum: 2 }, { aheadSeconds: -0.001 });
  await world.serve("192.0.2.9", { refid: "PPS" }, { port: 12300 });
  const hosts = ["192.0.2.1", "far.example", "192.0.2.9:12300"];
  const { status, stdout, stderr } = await world.run("query", ...hosts);
  assertEquals([status, stderr], [0, ""]);
  assertEquals(
    stdout,
    `host             address          stratum  reference       offset      delay   distance  leap
192.0.2.1        192.0.2.1              1  GPS        +250.000 ms  20.000 ms  11.009 ms  none
far.example      2001:db8::7            2  192.0.2.1    -1.000 ms  20.000 ms  11.009 ms  none
192.0.2.9:12300  192.0.2.9:12300        1  PPS          +0.000 ms  20.000 ms  11.009 ms  none
`,
  );
});

test("ntps query: hosts are asked at the same time", async () => {
  const world = new FakeWorld();
  await world.serve("192.0.2.1");
  await world.serve("192.0.2.2");
  await world.run("query", "192.0.2.1", "192.0.2.2");
  assertEquals(world.time.elapsedMs, 20);
});

test("ntps query: --samples adds how much they differ and how many came", async () => {
  const world = new FakeWorld();
  await world.serve("192.0.2.1", { refid: "GPS" });
  const { stdout } = await world.run("query", "192.0.2.1", "-n", "3", "--interval=500ms");
  const [head, row] = stdout.split("\n");
  assertMatch(head!, /distance {4}jitter {2}answers {2}leap$/);
  assertMatch(row!, / ms {2}0\.000 ms {6}3\/3 {2}none$/);
  assertEquals(world.time.elapsedMs, 3 * 20 + 2 * 500);
});

test("ntps query: a host that fails is one line on standard error, and status 1", async () => {
  const world = new FakeWorld();
  world.names.set("silent.example", ["192.0.2.66"]);
  await world.bind({ hostname: "192.0.2.66", port: 123, clock: world.clock, onDatagram() {} });
  await world.serve("192.0.2.1");
  const { status, stdout, stderr } = await world.run(
    ...["query", "nosuch.example", "192.0.2.1", "silent.example", "--timeout", "300ms"],
  );
  assertEquals(status, 1);
  assertEquals(stdout.split("\n").length, 3); // head, row, end
  assertEquals(
    stderr,
    "ntps query: nosuch.example is not known\n" +
      "ntps query: silent.example: 192.0.2.66:123 did not answer within 300 ms\n",
  );
});

test("ntps query: no table when nobody answers", async () => {
  const { status, stdout } = await new FakeWorld().run("query", "nosuch.example");
  assertEquals([status, stdout], [1, ""]);
});

test("ntps query: options reach the query", async () => {
  const world = new FakeWorld();
  world.names.set("both.example", ["192.0.2.66", "2001:db8::66"]);
  const seen: { version: number; at: number }[] = [];
  for (const hostname of ["192.0.2.66", "2001:db8::66"]) {
    await world.bind({
      hostname,
      port: 12300,
      clock: world.clock,
      onDatagram: (data) => {
        const { version } = NTPPacket.decode(data);
        seen.push({ version, at: world.time.elapsedMs });
      },
    });
  }
  const args = ["-p", "12300", "-t", "1s", "--retries", "2", "--protocol", "3"];
  const { stderr } = await world.run("query", "both.example", ...args);
  assertMatch(stderr, / did not answer within 1000 ms\n$/);
  assertEquals(seen.map(({ version }) => version), [3, 3, 3, 3, 3, 3]);
  assertEquals(seen.map(({ at }) => at), [10, 1010, 2010, 3010, 4010, 5010]);
});

test("ntps query: -4 and -6 are passed to the resolver, and exclude each other", async () => {
  const world = new FakeWorld();
  const families: unknown[] = [];
  world.queryOptions.resolve = (_host, options) => {
    families.push(options?.family);
    return Promise.resolve(["192.0.2.1"]);
  };
  await world.serve("192.0.2.1");
  for (const flags of [[], ["-4"], ["--ipv6"]]) await world.run("query", "x", ...flags);
  assertEquals(families, [undefined, 4, 6]);
  const { status, stderr } = await world.run("query", "x", "-4", "-6");
  assertEquals(status, 2);
  assertMatch(stderr, /--ipv4 and --ipv6 exclude each other/);
});

test("ntps query --json: the whole answer, without a bigint or a float of a time", async () => {
  const world = new FakeWorld();
  world.names.set("a.example", ["192.0.2.1"]);
  await world.serve("192.0.2.1", { refid: "GPS" }, { aheadSeconds: 0.25 });
  const { status, stdout, stderr } = await world.run("query", "--json", "a.example", "b.example");
  assertEquals([status, stderr], [1, "ntps query: b.example is not known\n"]);
  const [good, bad, ...others] = JSON.parse(stdout);
  assertEquals(others, []);
  assertEquals(bad, {
    host: "b.example",
    ok: false,
    error: { code: "not-found", message: "b.example is not known" },
  });
  const { packet, samples, ...rest } = good;
  const sample = {
    time: "2026-11-23T12:00:00.270000000Z",
    offset: 0.25,
    delay: rest.delay,
    dispersion: rest.dispersion,
    rootDistance: rest.rootDistance,
  };
  assertEquals(rest, {
    host: "a.example",
    ok: true,
    address: "192.0.2.1",
    port: 123,
    ...sample,
    unixNanoseconds: "1795435200270000000",
    jitter: 0,
    authentication: "none",
    attempts: [{ address: "192.0.2.1", error: null }],
  });
  assert(Math.abs(rest.delay - 0.02) < 1e-9);
  assertEquals(samples, [sample]);
  assertEquals([packet.stratum, packet.referenceText, packet.mode], [1, "GPS", 4]);
  assertEquals(packet.receiveTimestamp, "2026-11-23T12:00:00.260000000Z");
});

const KEYS = parseKeyFile("1 AES128 HEX:000102030405060708090a0b0c0d0e0f\n7 SHA1 shared\n");
const KEY_FILE = "7 SHA1 shared\n8 MD5 other\n";

/** A world with a server that has keys, and a key file. */
async function worldWithKeys(): Promise<FakeWorld> {
  const world = new FakeWorld();
  await world.serve("192.0.2.1", { refid: "GPS", keys: KEYS });
  world.files.set("client.keys", KEY_FILE);
  return world;
}

test("ntps query --key: asks with it, and the table says that it was answered with it", async () => {
  for (const option of [["--key", "7:client.keys"], ["-k", "7:client.keys"]]) {
    const world = await worldWithKeys();
    const { status, stdout, stderr } = await world.run("query", ...option, "192.0.2.1");
    assertEquals([status, stderr], [0, ""]);
    const [head, row] = stdout.split("\n");
    assertMatch(head!, / distance {2}auth {3}leap$/);
    assertMatch(row!, / ms {2}key 7 {2}none$/);
  }
});

test("ntps query --key --json: says what shows that the answer is the server's", async () => {
  const world = await worldWithKeys();
  const { stdout } = await world.run("query", "192.0.2.1", "--json", "--key=7:client.keys");
  const [{ authentication, packet }] = JSON.parse(stdout);
  assertEquals([authentication, packet.mac.keyId], ["key", 7]);
});

test("ntps query --key: a key that the server does not have", async () => {
  const world = await worldWithKeys();
  const args = ["--key", "8:client.keys", "-t", "1s", "192.0.2.1"];
  const { status, stdout, stderr } = await world.run("query", ...args);
  assertEquals([status, stdout], [1, ""]);
  assertMatch(
    stderr,
    /^ntps query: 192\.0\.2\.1:123 does not accept key 8 \(crypto-NAK\)[^\n]*\n$/,
  );
});

test("ntps query --key: a server without keys is not believed", async () => {
  const world = await worldWithKeys();
  await world.serve("192.0.2.2");
  const { status, stderr } = await world.run("query", "--key", "7:client.keys", "192.0.2.2");
  assertEquals(status, 1);
  assertMatch(stderr, /^ntps query: 192\.0\.2\.2:123 [^\n]*key 7[^\n]*\n$/);
});

test("ntps query --key: a key file that others may read is warned of", async () => {
  const world = await worldWithKeys();
  world.exposed.add("client.keys");
  const { status, stderr } = await world.run("query", "--key", "7:client.keys", "192.0.2.1");
  assertEquals([status, stderr], [0, "ntps query: client.keys: others may use these keys\n"]);
});

test("ntps query --key: what is wrong is one line without a secret, and nobody is asked", async () => {
  const many = Array.from({ length: 25 }, (_, i) => `${i + 1} MD5 secret${i}\n`).join("");
  const ids = Array.from({ length: 20 }, (_, i) => i + 1).join(", ");
  const form = "--key is ID:FILE, such as 1:/etc/ntps/keys, with an ID from 1 to 4294967295, not";
  const cases: [args: string[], status: number, line: string | RegExp][] = [
    [["--key", "9:client.keys"], 2, "there is no key 9 in client.keys; there are 7, 8"],
    [["--key", "9:one:C"], 2, "there is no key 9 in one:C; there is only 1"],
    [["--key", "99:many"], 2, `there is no key 99 in many; there are ${ids} and 5 more`],
    [["--key", "client.keys"], 2, `${form} "client.keys"`],
    [["--key", "0:client.keys"], 2, `${form} "0:client.keys"`],
    [["--key", "4294967296:x"], 2, `${form} "4294967296:x"`],
    [["--key", "7:"], 2, `${form} "7:"`],
    [["--key-format", "ntpd"], 2, "--key-format is for a key file, and there is no --key"],
    [
      ["--key", "7:client.keys", "--key-format", "x"],
      2,
      '--key-format is one of chrony, ntpd, not "x"',
    ],
    [["--key", "7:nosuch"], 1, "nosuch: there is no such file"],
    [["--key", "7:bad"], 1, /^bad:2:3: this is not a type of key: [^\n]*$/],
  ];
  for (const [args, status, expected] of cases) {
    const world = await worldWithKeys();
    world.files.set("one:C", "1 MD5 secret\n");
    world.files.set("many", many);
    world.files.set("bad", "7 MD5 secret\n8 secret MD5\n");
    const done = await world.run("query", ...args, "192.0.2.1");
    assertEquals([done.status, done.stdout], [status, ""]);
    const [, line] = /^ntps query: (.*)\n$/.exec(done.stderr)!;
    if (typeof expected === "string") assertEquals(line, expected);
    else assertMatch(line!, expected);
    assert(!line!.includes("secret"), line);
    assertEquals([world.time.elapsedMs, world.listening], [0, 0]);
  }
});

test("ntps query --key-format: what chrony and ntpd read differently is read as one of them does", async () => {
  const digits = "000102030405060708090a0b0c0d0e0f10111213";
  const answered: boolean[] = [];
  for (const meant of [`ASCII:${digits}`, `HEX:${digits}`]) {
    for (const format of ["chrony", "ntpd"]) {
      const world = new FakeWorld();
      await world.serve("192.0.2.1", { keys: parseKeyFile(`1 SHA1 ${meant}`) });
      world.files.set("keys", `1 SHA1 ${digits}\n`);
      const args = ["--key", "1:keys", "--key-format", format, "192.0.2.1"];
      answered.push((await world.run("query", ...args)).status === 0);
    }
  }
  assertEquals(answered, [true, false, false, true]);
});

test("ntps query: an interrupt ends it with what there is, and status 130", async () => {
  const world = new FakeWorld();
  await world.bind({ hostname: "192.0.2.66", port: 123, clock: world.clock, onDatagram() {} });
  await world.serve("192.0.2.1", { refid: "GPS" });
  const running = world.start("query", "192.0.2.1", "192.0.2.66");
  await world.time.run(1000);
  assertEquals(world.stdout.text, "");
  world.signal("SIGINT");
  assertEquals(await world.time.runUntil(running), 130);
  assertMatch(world.stdout.lines[1]!, /^192\.0\.2\.1 .* GPS /);
  assertEquals(world.stderr.lines.length, 1);
  assertMatch(world.stderr.text, /^ntps query: .*192\.0\.2\.66/);
  assertEquals(world.listening, 0);
  assert(world.time.elapsedMs < 5000);
});

test("ntps query: a hundred hosts, in their order, and an interrupt that ends those that are left", async () => {
  const world = new FakeWorld();
  const hosts = Array.from({ length: 100 }, (_, i) => `192.0.2.${i + 1}`);
  for (const host of hosts.slice(0, 90)) await world.serve(host, { refid: "GPS" });
  for (const hostname of hosts.slice(90)) {
    await world.bind({ hostname, port: 123, clock: world.clock, onDatagram() {} });
  }
  const running = world.start("query", "--timeout=50s", ...hosts);
  await world.time.run(1000);
  world.signal("SIGINT");
  assertEquals(await world.time.runUntil(running), 130);
  const rows = world.stdout.lines.slice(1).filter((line) => line !== "");
  assertEquals(rows.map((line) => line.split(" ")[0]), hosts.slice(0, 90));
  assertEquals(world.stderr.lines.filter((line) => line !== "").length, 10);
});

test("ntps query: a server that does not know the time is a failure", async () => {
  const world = new FakeWorld();
  await world.serve("192.0.2.1", { stratum: 16 });
  const { status, stderr } = await world.run("query", "192.0.2.1");
  assertEquals(status, 1);
  assertMatch(stderr, /^ntps query: 192\.0\.2\.1:123 does not know the time: /);
});

test("ntps query: the head is bold on a terminal", async () => {
  const world = new FakeWorld();
  (world.stdout as TextOutput).styled = true;
  await world.serve("192.0.2.1");
  const { stdout } = await world.run("query", "192.0.2.1");
  const [head, row] = stdout.split("\n");
  assert(head!.startsWith("\x1b[1mhost ") && head!.endsWith(" leap\x1b[22m"), head);
  assert(row!.startsWith("192.0.2.1 "), row);
});
