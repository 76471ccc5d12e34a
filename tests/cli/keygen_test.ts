import { test } from "node:test";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parseKeyFile } from "../../src/auth/key_file.ts";
import { KEY_TYPES } from "../../src/auth/symmetric_key.ts";
import { FakeWorld } from "./fake_world.ts";

test("ntps keygen: one key, of AES128, to standard output", async () => {
  for (const args of [[], ["-"]]) {
    const { status, stdout, stderr } = await new FakeWorld().run("keygen", ...args);
    assertEquals([status, stderr], [0, ""]);
    assertEquals(stdout, `1 AES128 HEX:${"01".repeat(16)}\n`); // the random bytes of the fake world
  }
});

test("ntps keygen: as many as wanted, each another one, of every type and in other spellings", async () => {
  for (const type of [...KEY_TYPES, "sha1", "AES-256", "M"]) {
    const args = ["--type", type, "--id", "7", "--count", "3"];
    const { status, stdout } = await new FakeWorld().run("keygen", ...args);
    assertEquals(status, 0);
    const lines = stdout.split("\n");
    assertEquals(new Set(lines.map((line) => line.split(" ")[2])).size, 4); // and the empty one
    assertEquals([...parseKeyFile(stdout)].map(({ id }) => id), [7, 8, 9]);
  }
});

test("ntps keygen: names that ntpd and NTPsec know", async () => {
  const make = async (type: string) =>
    (await new FakeWorld().run("keygen", "-t", type, "--format", "ntpd")).stdout;
  assertEquals(await make("AES128"), `1 AES128CMAC ${"01".repeat(16)}\n`);
  assertEquals(await make("AES256"), `1 AES-256 ${"01".repeat(32)}\n`);
  assertMatch(await make("SHA1"), /^1 SHA1 [\w-]{20}\n$/);
});

test("ntps keygen FILE: says what it wrote, but no secret", async () => {
  const cases: [args: string[], line: string][] = [
    [["keys"], "wrote key 1 (AES128) to keys\n"],
    [["--id", "5", "-n", "2", "-t", "sha256", "keys"], "wrote keys 5 to 6 (SHA256) to keys\n"],
  ];
  for (const [args, line] of cases) {
    const world = new FakeWorld();
    const { status, stdout, stderr } = await world.run("keygen", ...args);
    assertEquals([status, stdout, stderr], [0, line, ""]);
    const content = world.files.get("keys") as string;
    assertEquals(content.split("\n").length - 1, parseKeyFile(content).size);
  }
});

test("ntps keygen FILE: what is there is replaced with --force only", async () => {
  const world = new FakeWorld();
  world.files.set("keys", "7 MD5 precious\n");
  const refused = await world.run("keygen", "keys");
  const line = "ntps keygen: cannot write keys: it exists\n";
  assertEquals([refused.status, refused.stdout, refused.stderr], [1, "", line]);
  assertEquals(world.files.get("keys"), "7 MD5 precious\n");
  const { status } = await world.run("keygen", "--force", "keys");
  assertEquals(status, 0);
  assertMatch(world.files.get("keys") as string, /^1 AES128 HEX:[0-9a-f]{32}\n$/);
});

test("ntps keygen FILE: where the file system lets others read it, a warning says so", async () => {
  const world = new FakeWorld();
  world.exposed.add("keys");
  const { status, stderr } = await world.run("keygen", "keys");
  assertEquals([status, stderr], [0, "ntps keygen: keys: others may use these keys\n"]);
});

test("ntps keygen: wrong arguments are one line and status 2, and nothing is written", async () => {
  const cases: [args: string[], line: string][] = [
    [["--type", "RC4"], `--type is one of ${KEY_TYPES.join(", ")}, not "RC4"`],
    [["--format", "ntp"], '--format is one of chrony, ntpd, not "ntp"'],
    [["--id", "0"], '--id is a whole number from 1 to 4294967295, not "0"'],
    [["--id", "4294967296"], '--id is a whole number from 1 to 4294967295, not "4294967296"'],
    [
      ["--id", "4294967295", "-n", "2"],
      "ids go up to 4294967295, and the last one would be 4294967296",
    ],
    [
      ["--format", "ntpd", "--id", "65536"],
      "ids go up to 65535 for ntpd, and the last one would be 65536",
    ],
    [["--count", "1001"], '--count is a whole number from 1 to 1000, not "1001"'],
    [["--force"], "--force needs a FILE"],
    [["-f", "-"], "--force needs a FILE"],
    [["a", "b"], '"b" is one argument too many'],
    [["sha1"], "write --type sha1, or ./sha1 for a file of that name"],
    [["12"], "write --id 12, or ./12 for a file of that name"],
  ];
  for (const [args, line] of cases) {
    const world = new FakeWorld();
    const { status, stdout, stderr } = await world.run("keygen", ...args);
    assertEquals([status, stdout, stderr], [2, "", `ntps keygen: ${line}\n`]);
    assertEquals(world.files.size, 0);
  }
});

test("ntps keygen: the greatest ids are ids", async () => {
  const { stdout } = await new FakeWorld().run("keygen", "--id", "4294967295");
  assertStringIncludes(stdout, "4294967295 AES128 ");
  const { status } = await new FakeWorld().run("keygen", "--format", "ntpd", "--id", "65535");
  assertEquals(status, 0);
});
