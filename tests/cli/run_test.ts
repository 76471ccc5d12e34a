import { test } from "node:test";
import { readFileSync } from "node:fs";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { VERSION } from "../../src/cli/version.ts";
import { FakeWorld } from "./fake_world.ts";

test("ntps --help and ntps help list the commands", async () => {
  for (const args of [["--help"], ["-h"], ["help"]]) {
    const { status, stdout, stderr } = await new FakeWorld().run(...args);
    assertEquals([status, stderr], [0, ""]);
    for (const name of ["query", "serve", "sync", "listen", "decode", "keygen"]) {
      assertMatch(stdout, new RegExp(`\n  ${name} `));
    }
  }
});

test("ntps without arguments shows its help as an error", async () => {
  const { status, stdout, stderr } = await new FakeWorld().run();
  assertEquals([status, stdout], [2, ""]);
  assertMatch(stderr, /^NTP: .*\n\nUsage: ntps COMMAND/);
});

test("each command has help, in four ways, no wider than a terminal should be", async () => {
  for (const name of ["query", "serve", "sync", "listen", "decode", "keygen"]) {
    const texts = [];
    for (const args of [["help", name], [name, "--help"], [name, "-h"], ["--help", name]]) {
      const { status, stdout, stderr } = await new FakeWorld().run(...args);
      assertEquals([status, stderr], [0, ""]);
      texts.push(stdout);
    }
    assertEquals(new Set(texts).size, 1);
    assertStringIncludes(texts[0]!, `Usage: ntps ${name} [OPTION]…`);
    assertStringIncludes(texts[0]!, "Exit status:");
    for (const line of texts[0]!.split("\n")) assert(line.length <= 80, line);
  }
});

test("--help wins over other options, but not behind --", async () => {
  const { status } = await new FakeWorld().run("query", "--nonsense", "--help");
  assertEquals(status, 0);
  const behind = await new FakeWorld().run("decode", "--", "--help");
  assertEquals(behind.status, 1);
  assertStringIncludes(behind.stderr, '"--help" is neither hexadecimal');
});

test("ntps --version prints the version of the package", async () => {
  for (const arg of ["--version", "-V"]) {
    const { status, stdout } = await new FakeWorld().run(arg);
    assertEquals([status, stdout], [0, `ntps ${VERSION}\n`]);
  }
  for (const manifest of ["package.json", "deno.json", "jsr.json"]) {
    const { version } = JSON.parse(
      readFileSync(new URL(`../../${manifest}`, import.meta.url), "utf8"),
    );
    assertEquals(VERSION, version, manifest);
  }
});

test("what is wrong with the arguments is one line, with exit status 2", async () => {
  const cases: [args: string[], line: string][] = [
    [["qury"], "ntps: there is no command qury; did you mean query?"],
    [
      ["frobnicate"],
      "ntps: there is no command frobnicate; there are query, serve, sync, listen, monitor, report, decode, keygen, help",
    ],
    [["help", "sevre"], "ntps: there is no command sevre; did you mean serve?"],
    [["--json", "query"], "ntps: there is no option --json before the command; see ntps --help"],
    [["query"], "ntps query: HOST… is missing"],
    [["query", "--jsno", "h"], "ntps query: there is no option --jsno; did you mean --json?"],
    [
      ["\x1b[31mred\n"],
      "ntps: there is no command  [31mred ; there are query, serve, sync, listen, monitor, report, decode, keygen, help",
    ],
  ];
  for (const [args, line] of cases) {
    const { status, stdout, stderr } = await new FakeWorld().run(...args);
    assertEquals([status, stdout, stderr], [2, "", `${line}\n`]);
  }
});
