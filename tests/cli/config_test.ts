// `ntps serve --config`: a file instead of options.
import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { parseKeyFile } from "../../src/auth/key_file.ts";
import type { SymmetricKey } from "../../src/auth/symmetric_key.ts";
import { configKeys } from "../../src/cli/config_file.ts";
import { serve } from "../../src/cli/serve.ts";
import { SERVE_SECTIONS } from "../../src/cli/serve_config.ts";
import { placeOf, readToml } from "../../src/cli/toml.ts";
import { queryRaw } from "../../src/client/query.ts";
import { FakeWorld } from "./fake_world.ts";

await readToml("", ""); // loads the parser, which virtual time would not wait for

function worldWith(text: string): FakeWorld {
  const world = new FakeWorld();
  world.files.set("ntps.toml", text);
  return world;
}

async function check(text: string, ...args: string[]) {
  return await worldWith(text).run("serve", "--config", "ntps.toml", "--check", ...args);
}

/** All that is wrong with a file: where, and what. */
async function problemsOf(text: string): Promise<string[]> {
  const { status, stderr, stdout } = await check(text);
  assertEquals([status, stdout], [2, ""]);
  return stderr.trimEnd().split("\n").map((line) => line.replace("ntps serve: ntps.toml:", ""));
}

test("ntps serve --config: it serves as the file says, and arguments count for more", async () => {
  const world = worldWith(`
    [server]
    port = 1123
    refid = "GPS" # a clock
    quiet = false
    [access]
    allow = ["127.0.0.0/8", "::1"]
    deny = "0.0.0.0/0"
    rate-limit = true
  `);
  const ended = world.start("serve", "--config", "ntps.toml", "--refid", "PPS");
  for (let i = 0; i < 10; i++) await world.time.run(1);
  assertMatch(world.stdout.text, /listening at .*:1123 .*; stratum 1, reference PPS/);
  const { bind, clock, timers, queryOptions } = world;
  const options = { bind, clock, timers, port: 1123, ...queryOptions };
  const { packet } = await world.time.runUntil(queryRaw("127.0.0.1", options));
  assertEquals([packet.stratum, packet.referenceText], [1, "PPS"]);
  world.signal("SIGTERM");
  assertEquals(await world.time.runUntil(ended), 0);
});

test("ntps serve --check: says that all is well, and begins nothing", async () => {
  const { status, stdout } = await check("[server]\nport = 123\n");
  assertEquals([status, stdout], [0, "ntps.toml: nothing is wrong\n"]);
  const world = new FakeWorld();
  assertEquals((await world.run("serve", "--check", "-p", "123")).status, 0);
  assertEquals(world.listening, 0);
  assertEquals((await world.run("serve", "--check", "--limited", "10.0.0.0/8")).status, 2);
});

test("ntps serve --check: all that is wrong, with its place and what was meant", async () => {
  const text = `# a server
[server]
port = "abc"
stratun = 2
  workers = 1.5
quiet = "yes"
refid = ["GPS", "PPS"]
address = [true]

[acces]
allow = []

[access]
allow = ["10.0.0.0/99"]
port = 3
nonsense = 3

[nts]
rotate = 2026-01-01
`;
  assertEquals(await problemsOf(text), [
    '3:1: port is a whole number from 0 to 65535, not "abc"',
    '4:1: there is no "stratun" in [server]; did you mean stratum?',
    '5:3: workers is a whole number from 0 to 64, not "1.5"',
    '6:1: quiet is true or false, not "yes"',
    '7:1: refid is one value, not a list, not ["GPS","PPS"]',
    "8:1: address is a text, or a list of texts, not [true]",
    '10:1: there is no section "acces"; did you mean [access]?',
    '14:1: allow: "10.0.0.0/99" has a prefix length that is not from 0 to 32',
    '15:1: there is no "port" in [access]; did you mean that of [server]?',
    '16:1: there is no "nonsense" in [access]',
    '19:1: rotate is a text or a number, not "2026-01-01"',
  ]);
  assertEquals(await problemsOf("[server]\nport =\n"), ["2:7: this is no TOML: invalid value"]);
  const [outside] = await problemsOf("port = 3\n");
  assertMatch(
    outside!,
    /^1:1: there is no key outside of all sections "port"; there are \[server\]/,
  );
});

test("ntps serve --config: options that make no sense together, and a file that is not there", async () => {
  const { status, stderr } = await check('[access]\nlimited = "10.0.0.0/8"\n');
  assertEquals(status, 2);
  assertMatch(stderr, /--limited needs --rate-limit/);
  const missing = await new FakeWorld().run("serve", "--config", "none.toml");
  assertEquals(missing.status, 1);
  assertMatch(missing.stderr, /none\.toml/);
});

test("the configuration of ntps serve: every option has one key, and every key an option", () => {
  const keys = configKeys(SERVE_SECTIONS, serve.options);
  const options = [...keys.values()].flatMap((section) => [...section.values()]);
  assertEquals(options.sort(), Object.keys(serve.options).sort());
  for (const option of Object.values(SERVE_SECTIONS).flat()) {
    assert(option in serve.options, `there is no option ${option}`);
  }
  assertEquals(keys.get("nts")!.get("cert"), "ntsCert");
  // The help names them all.
  for (const [section, known] of keys) {
    assert(serve.details.includes(`[${section}]`), section);
    if (section === "server") continue;
    for (const key of known.keys()) assert(serve.details.includes(key), `${section} ${key}`);
  }
});

test("the place of a key of TOML", () => {
  const text = 'a.b = 1\n[s]\n "k" = 2\nkk = """\nx = 3\n"""\n[ t ]\nk = 1\n';
  assertEquals(
    [placeOf(text, "a", "b"), placeOf(text, "s", "k"), placeOf(text, "t", "k"), placeOf(text, "t")],
    ["1:1", "3:2", "8:1", "7:1"],
  );
  assertEquals([placeOf(text, "a"), placeOf(text, "s", "none")], ["1:1", "2:1"]);
});

/** A server that has begun, how it answers, and what it says at SIGHUP. */
async function serving(text: string, files: Record<string, string> = {}) {
  const world = worldWith(text);
  for (const [path, content] of Object.entries(files)) world.files.set(path, content);
  const ended = world.start("serve", "--config", "ntps.toml");
  for (let i = 0; i < 20; i++) await world.time.run(1);
  const { bind, clock, timers, queryOptions } = world;
  const answers = async (key?: SymmetricKey) => {
    const options = { bind, clock, timers, timeoutMs: 500, ...queryOptions, ...(key && { key }) };
    const asked = queryRaw("127.0.0.1", options);
    return await world.time.runUntil(
      asked.then(({ authentication }) => authentication, () => "no"),
    );
  };
  const reload = async () => {
    world.stdout.text = world.stderr.text = "";
    world.reload();
    for (let i = 0; i < 20; i++) await world.time.run(1);
    return { stdout: world.stdout.text, stderr: world.stderr.text };
  };
  const end = async () => {
    world.signal("SIGTERM");
    assertEquals(await world.time.runUntil(ended), 0);
  };
  return { world, answers, reload, end };
}

test("ntps serve, SIGHUP: who is answered, and by which keys, changes at once", async () => {
  const line = (byte: string) => `1 AES128 HEX:${byte.repeat(16)}\n`;
  const keyed = (access: string) => `[access]\n${access}\n[authentication]\nkeys = "ntp.keys"\n`;
  const files = { "ntp.keys": line("01") };
  const { world, answers, reload, end } = await serving(keyed(""), files);
  const [old, fresh] = ["01", "02"].map((byte) => parseKeyFile(line(byte)).get(1)!);
  assertEquals([await answers(), await answers(old)], ["none", "key"]);

  world.files.set("ntps.toml", keyed('require-auth = "127.0.0.0/8"'));
  world.files.set("ntp.keys", line("02"));
  const { stdout, stderr } = await reload();
  assertMatch(stdout, /Z configuration read anew\n$/);
  assertEquals(stderr, "");
  assertEquals([await answers(), await answers(fresh)], ["no", "key"]);
  assertEquals(await answers(old), "none"); // a crypto-NAK

  world.files.set("ntps.toml", keyed('deny = "127.0.0.1"') + "[server]\nport = 124\nrefid = 'X'\n");
  const third = await reload();
  assertMatch(third.stdout, /read anew; to change --port, --refid start it anew\n$/);
  assertEquals(await answers(fresh), "no");
  await end();
});

test("ntps serve, SIGHUP: a broken configuration changes nothing, and it says why", async () => {
  const good = "[access]\nrequire-auth = []\n";
  const { world, answers, reload, end } = await serving(good);
  for (
    const [text, message] of [
      [
        "[access]\ndenny = '127.0.0.1'\n",
        /ntps\.toml:2:1: there is no "denny" in \[access\]; did you/,
      ],
      [
        "[access]\ndeny = '127.0.0.1'\n[server]\nport = 'x'\n",
        /ntps\.toml:4:1: port is a whole number/,
      ],
      ["[access]\nlimited = '127.0.0.1'\n", /--limited needs --rate-limit/],
      ["[authentication]\nkeys = 'none'\n[access]\ndeny = '127.0.0.1'\n", /none/],
    ] as const
  ) {
    world.files.set("ntps.toml", text);
    const { stdout, stderr } = await reload();
    assertMatch(stderr, message);
    assertMatch(stderr, /ntps serve: nothing was changed: it goes on as before\n$/);
    assertEquals([stdout, await answers()], ["", "none"]);
  }
  world.files.delete("ntps.toml");
  assertMatch((await reload()).stderr, /ntps\.toml/);
  assertEquals(await answers(), "none");
  await end();
});
