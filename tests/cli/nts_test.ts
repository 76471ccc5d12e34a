import { test } from "node:test";
import { assertEquals, assertMatch } from "@std/assert";
import type { KeyExchange, NtsWorld } from "../../src/cli/nts_world.ts";
import type { NtsKeyExchangeServerOptions } from "../../src/nts/ke/key_exchange_server_options.ts";
import type { EstablishNtsOptions } from "../../src/nts/ke/establish_options.ts";
import { KeCounters } from "../../src/nts/ke/ke_statistics.ts";
import type { NtsEstablishment } from "../../src/nts/nts_keys.ts";
import { NtsResponder } from "../../src/nts/nts_responder.ts";
import { RotatingCookieKeys } from "../../src/nts/rotating_cookie_keys.ts";
import { NTPError } from "../../src/packet/error.ts";
import { FakeWorld } from "./fake_world.ts";

const CA = "-----BEGIN CERTIFICATE-----\n";

/** Key exchanges in memory: what was asked for, and servers by name. */
class FakeNts implements NtsWorld {
  readonly asked: { hostname: string; options: EstablishNtsOptions }[] = [];
  readonly servers: { options: NtsKeyExchangeServerOptions; counters: KeCounters }[] = [];
  readonly certificates: string[] = [];
  readonly files: string[] = [];
  establishment: (() => Promise<NtsEstablishment>) | undefined;

  establish = (hostname: string, options: EstablishNtsOptions = {}): Promise<NtsEstablishment> => {
    this.asked.push({ hostname, options });
    if (this.establishment !== undefined) return this.establishment();
    return Promise.reject(new NTPError("key-exchange", `${hostname} does not like us`));
  };

  makeKeyExchange(options: NtsKeyExchangeServerOptions): KeyExchange {
    const counters = new KeCounters();
    this.servers.push({ options, counters });
    const addresses: { hostname: string; port: number }[] = [];
    return {
      addresses,
      listen: ({ hostname = "::", port = 4460 }) => {
        addresses.push({ hostname, port });
        return Promise.resolve(addresses.at(-1)!);
      },
      setCertificate: ({ cert }) => {
        if (cert === "bad") throw new NTPError("malformed", "it cannot be used");
        this.certificates.push(cert);
      },
      statistics: () => counters.snapshot(0),
      close: () => Promise.resolve(),
    };
  }

  openCookieKeyFile(path: string) {
    this.files.push(path);
    return Promise.resolve(new RotatingCookieKeys());
  }
}

function makeWorld(): { world: FakeWorld; nts: FakeNts } {
  const nts = new FakeNts();
  return { world: Object.assign(new FakeWorld(), { nts }), nts };
}

async function begin(world: FakeWorld, ...args: string[]): Promise<Promise<number>[]> {
  const ended = world.start("serve", ...args);
  for (let i = 0; i < 10; i++) await world.time.run(0); // files are read first
  return [ended]; // in an array, or await would wait for it
}

const keys = { aead: 15, c2s: new Uint8Array(32).fill(1), s2c: new Uint8Array(32).fill(2) };

test("ntps query --nts: the answer is authenticated, and that is said", async () => {
  const { world, nts } = makeWorld();
  const cookieKeys = new RotatingCookieKeys();
  await world.serve("192.0.2.7", { nts: new NtsResponder({ cookieKeys }), stratum: 1 }, {
    port: 12300,
  });
  nts.establishment = () =>
    Promise.resolve({
      ...keys,
      cookies: [cookieKeys.seal(keys)],
      hostname: "192.0.2.7",
      port: 12300,
    });
  world.files.set("ca.pem", CA);
  const table = await world.run("query", "--nts", "--ca", "ca.pem", "nts.example:4461");
  assertEquals([table.status, table.stderr], [0, ""]);
  assertMatch(table.stdout, /nts\.example:4461 +192\.0\.2\.7:12300 .* NTS /);
  const [{ hostname, options }] = nts.asked as [typeof nts.asked[0]];
  assertEquals([hostname, options.port, options.ca], ["nts.example", 4461, CA]);

  world.stdout.text = "";
  const { stdout } = await world.run("query", "--nts", "--json", "nts.example");
  const [answer] = JSON.parse(stdout);
  assertEquals([answer.ok, answer.authentication, answer.port], [true, "nts", 12300]);
  assertEquals([nts.asked[1]!.options.port, nts.asked[1]!.options.ca], [undefined, undefined]);
});

test("ntps sync --nts: nothing else is believed, and that is said", async () => {
  const { world, nts } = makeWorld();
  const cookieKeys = new RotatingCookieKeys();
  for (const hostname of ["192.0.2.7", "192.0.2.8"]) {
    await world.serve(hostname, { nts: new NtsResponder({ cookieKeys }), stratum: 1 });
  }
  nts.establishment = () =>
    Promise.resolve({
      ...keys,
      cookies: [cookieKeys.seal(keys)],
      hostname: nts.asked.length === 1 ? "192.0.2.7" : "192.0.2.8",
      port: 123,
    });
  const args = ["--nts", "--nts-port", "4461", "a.example", "--pool", "192.0.2.9:4462"];
  const { status, stdout, stderr } = await world.run("sync", ...args, "-d", "30s");
  assertEquals([status, stderr], [0, ""]);
  const lines = stdout.split("\n").slice(-4, -1);
  assertMatch(lines[0]!, / std dev +auth$/);
  assertMatch(lines[1]!, /a\.example .* NTS$/);
  assertMatch(lines[2]!, /192\.0\.2\.8 .* NTS$/);
  const [first, second] = nts.asked;
  assertEquals([first!.hostname, first!.options.port], ["a.example", 4461]);
  assertEquals([second!.hostname, second!.options.port], ["192.0.2.9", 4462]);

  nts.establishment = undefined;
  world.stdout.text = "";
  const failed = await world.run("sync", "--nts", "a.example", "-t", "3s");
  assertEquals([failed.status, failed.stdout], [1, ""]);
  assertMatch(failed.stderr, /a\.example does not like us/);
  for (const wrong of [["--ca", "x"], ["--nts", "-p", "124"], ["--nts", "--protocol", "3"]]) {
    assertEquals((await world.run("sync", "a.example", ...wrong)).status, 2);
  }
});

test("ntps query --nts: an unauthenticated answer is none, and neither is a failed exchange", async () => {
  const { world, nts } = makeWorld();
  const failed = await world.run("query", "--nts", "nts.example");
  assertEquals([failed.status, failed.stdout], [1, ""]);
  assertEquals(failed.stderr, "ntps query: nts.example does not like us\n");

  world.stderr.text = "";
  await world.serve("192.0.2.7", { stratum: 1 }); // knows nothing of NTS
  nts.establishment = () =>
    Promise.resolve({ ...keys, cookies: [new Uint8Array(100)], hostname: "192.0.2.7", port: 123 });
  const { status, stdout, stderr } = await world.run("query", "--nts", "nts.example");
  assertEquals([status, stdout], [1, ""]);
  assertMatch(stderr, /answered without NTS/);
});

test("ntps query --nts: options that make no sense", async () => {
  const cases: [string[], RegExp][] = [
    [["--ca", "x"], /--ca is for --nts/],
    [["--nts-port", "4460"], /--nts-port is for --nts/],
    [["--nts", "--key", "1:x"], /--key and --nts exclude each other/],
    [["--nts", "--port", "4460"], /--port does not go with --nts/],
    [["--nts", "--protocol", "3"], /version 4/],
    [["--nts", "--ca", "empty"], /there is no certificate in PEM in empty/],
  ];
  for (const [args, message] of cases) {
    const { world } = makeWorld();
    world.files.set("empty", "");
    world.files.set("x", "1 AES128 HEX:000102030405060708090a0b0c0d0e0f\n");
    const { status, stderr } = await world.run("query", ...args, "nts.example");
    assertEquals(status, 2, args.join(" "));
    assertMatch(stderr, message);
  }
});

test("ntps serve --nts-cert: exchanges keys, counts it, and takes a renewed certificate", async () => {
  const { world, nts } = makeWorld();
  world.files.set("cert", "one").set("key", "secret of the key");
  const args = [
    "--nts-cert",
    "cert",
    "--nts-key",
    "key",
    "--nts-keys",
    "cookies",
    "-a",
    "192.0.2.1",
  ];
  const [ended] = await begin(world, ...args, "--nts-server", "ntp.example:12300");
  assertEquals(world.stderr.text, "");
  assertMatch(world.stdout.text, /; NTS key exchange at 192\.0\.2\.1:4460$/m);
  const { options, counters } = nts.servers[0]!;
  assertEquals([options.cert, options.key], ["one", "secret of the key"]);
  assertEquals([options.ntpHostname, options.ntpPort], ["ntp.example", 12300]);
  assertEquals(nts.files, ["cookies"]);

  counters.answered = 3;
  counters.failed.handshake = 2;
  await world.time.run(1000);
  assertMatch(
    world.stdout.text,
    /answered 0, key exchanges 3, key exchanges failed 2 \(handshake 2\)/,
  );

  await world.time.run(60_000);
  assertEquals(nts.certificates, []);
  world.files.set("cert", "two");
  await world.time.run(60_000);
  assertEquals(nts.certificates, ["two"]);
  world.files.set("cert", "bad");
  await world.time.run(180_000);
  assertEquals(
    world.stderr.text,
    "ntps serve: the certificate stays the old one: it cannot be used\n",
  );
  world.signal("SIGTERM");
  assertEquals(await ended, 0);
  assertEquals(world.time.pending, 0);
  assertEquals((world.stdout.text + world.stderr.text).includes("secret"), false);
});

test("ntps serve --nts-secret: servers that share it read each other's cookies", async () => {
  const { world, nts } = makeWorld();
  world.files.set("cert", "c").set("key", "k").set("secret", "0".repeat(64) + "\n");
  const shared = ["--nts-secret", "secret", "--nts-rotate", "60min"];
  const exchange = ["--nts-cert", "cert", "--nts-key", "key", "--nts-server", "192.0.2.2"];
  const [one] = await begin(world, "-a", "192.0.2.1", ...shared, ...exchange);
  const [other] = await begin(world, "-a", "192.0.2.2", ...shared); // of the NTP servers alone
  assertMatch(world.stdout.text, /NTS with cookies of others/);
  const { options } = nts.servers[0]!;
  nts.establishment = () =>
    Promise.resolve({
      ...keys,
      cookies: [options.cookieKeys.seal(keys)],
      hostname: options.ntpHostname!,
      port: 123,
    });
  const asked = world.start("query", "--nts", "--json", "nts.example");
  await world.time.runUntil(asked);
  assertMatch(world.stdout.text, /"authentication": "nts"/);
  world.signal("SIGTERM");
  assertEquals([await one, await other], [0, 0]);
});

test("ntps serve: what NTS needs and what it does not go with", async () => {
  const cases: [string[], number, RegExp][] = [
    [["--nts-cert", "cert"], 2, /--nts-cert and --nts-key go together/],
    [["--nts-key", "key"], 2, /go together/],
    [["--nts-port", "1"], 2, /--nts-port needs --nts-cert/],
    [["--nts-keys", "x"], 2, /--nts-keys needs --nts-cert/],
    [["--nts-server", "x"], 2, /--nts-server needs --nts-cert/],
    [["--nts-rotate", "5s"], 2, /--nts-rotate is for NTS/],
    [["--nts-secret", "secret", "--nts-rotate", "5ms"], 2, /a second or more/],
    [
      ["--nts-cert", "cert", "--nts-key", "key", "--nts-keys", "x", "--nts-secret", "secret"],
      2,
      /exclude each other/,
    ],
    [["--nts-secret", "short"], 1, /short: the secret has 9 bytes, and needs 32/],
    [["--nts-cert", "cert", "--nts-key", "nowhere"], 1, /nowhere/],
  ];
  for (const [args, status, message] of cases) {
    const { world } = makeWorld();
    world.files.set("cert", "c").set("key", "k").set("short", "my secret");
    const outcome = await world.run("serve", ...args);
    assertEquals(outcome.status, status, args.join(" "));
    assertMatch(outcome.stderr, message);
    assertEquals(outcome.stderr.includes("my secret"), false);
  }
});
