// Holds README.md to the library: every code block is checked by the rule of its language, and one that
// no rule covers is a failure.
//
// ts    type-checked as it stands; run on every runtime with loopback.ts in the place of the network;
//       what stands in a comment behind `console.log(…);` is what it prints
// sh    every command by the rules of commands.ts
// json  parsed, and its keys looked up in deno.json
// toml  read as the configuration of ntps serve
// text  what the last command of the `sh` block before it prints, with figures of its own
import { test } from "node:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { readConfig } from "../../src/cli/config_file.ts";
import { serve } from "../../src/cli/serve.ts";
import { SERVE_SECTIONS } from "../../src/cli/serve_config.ts";
import { DROP_REASONS } from "../../src/server/drop_reason.ts";
import { checkCommand, commandsOf } from "./commands.ts";
import { type Block, fencedBlocks, tableRows } from "./markdown.ts";
import { runNtps } from "./ntps.ts";
import { ROOT, runFile, RUNTIME, start } from "./runtime.ts";

const README = readFileSync(`${ROOT}README.md`, "utf8");
const blocks = fencedBlocks(README);
const blocksIn = (language: string) => blocks.filter((block) => block.language === language);

/** A folder in which `@ntps/ntps` means these sources, on every runtime. */
async function inFolder(action: (folder: string) => Promise<void>): Promise<void> {
  mkdirSync(`${ROOT}.cache`, { recursive: true });
  const folder = mkdtempSync(`${ROOT}.cache/readme-`);
  try {
    await action(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the block says that it prints, line by line. */
function promisedOutput({ code }: Block): string[] {
  return [...code.matchAll(/^ *console\.log\(.*\); \/\/ (.+)$/gm)].map(([, text]) => text!);
}

/** What Node says of foreign functions, in each of its threads. */
const FFI_WARNING =
  /^\(node:\d+\) ExperimentalWarning: FFI is .*\n(\(Use `node --trace-warnings .*\n)?/gm;

/** Runs a block; the files say what stands in for what. */
async function runBlock(block: Block): Promise<void> {
  await inFolder(async (folder) => {
    const library = "../../tests/readme/loopback.ts";
    writeFileSync(
      join(folder, "block.ts"),
      block.code.replaceAll('from "@ntps/ntps"', `from "${library}"`),
    );
    writeFileSync(
      join(folder, "main.ts"),
      `import { closeServers } from "${library}";\n` +
        `await import("./block.ts");\nawait closeServers();\n`,
    );
    const { code, stdout, output } = await runFile(join(folder, "main.ts"));
    assertEquals(code, 0, output);
    const complained = output.replaceAll(FFI_WARNING, "");
    assertEquals(complained.length, stdout.length, `it writes to standard error:\n${output}`);
    const promised = promisedOutput(block);
    const lines = stdout.split("\n");
    let at = 0;
    for (const text of promised) {
      at = lines.indexOf(text, at) + 1;
      assert(at > 0, `it prints no line "${text}" where it says so, but\n${stdout}`);
    }
  });
}

test("README: every code block has a rule", () => {
  assert(blocks.length > 0);
  const ruled = ["ts", "sh", "json", "text", "toml"];
  const others = blocks.filter(({ language }) => !ruled.includes(language));
  assertEquals(others.map(({ line, language }) => `line ${line}: ${language}`), []);
});

test("README: the code is type-checked", {
  skip: RUNTIME === "deno" ? false : "Deno does",
}, async () => {
  await inFolder(async (folder) => {
    const files = blocksIn("ts").map(({ line, code }) => {
      const file = join(folder, `line_${line}.ts`);
      writeFileSync(file, code);
      return file;
    });
    const { code, output } = await start(["check", "--unstable-net", ...files]);
    assertEquals(code, 0, output);
  });
});

for (const block of blocksIn("ts")) {
  test(`README, line ${block.line}: the code runs`, () => runBlock(block));
}

for (const { line, code } of blocksIn("toml")) {
  test(`README, line ${line}: the configuration is right`, async () => {
    const { values, problems } = await readConfig(code, "README", SERVE_SECTIONS, serve.options);
    assertEquals(problems, []);
    for (const [option, { name, texts }] of values) serve.options[option]!.read(texts, name);
    assert(values.size > 0);
  });
}

for (const { line, code } of blocksIn("sh")) {
  for (const command of commandsOf(code)) {
    test(`README, line ${line}: ${command}`, () => checkCommand(command));
  }
}

for (const { line, code } of blocksIn("json")) {
  test(`README, line ${line}: the settings are those of this project`, () => {
    const settings = Object.entries(JSON.parse(code));
    const ours = JSON.parse(readFileSync(`${ROOT}deno.json`, "utf8"));
    for (const [key, value] of settings) assertEquals(ours[key], value);
  });
}

/** Numbers and times made alike, and columns of any width. */
function shapeOf(text: string): string[] {
  return text.trim().split("\n").map((line) =>
    line.replace(/ {2,}/g, "  ").replace(/[+-]?\d+(\.\d+)?/g, "0").trim()
  );
}

for (const { line, code } of blocksIn("text")) {
  test(`README, line ${line}: this is what is printed`, async () => {
    const before = blocksIn("sh").findLast((block) => block.line < line);
    const command = commandsOf(before?.code ?? "").at(-1) ?? "";
    const args = /^ntps (.+)$/.exec(command)?.[1];
    assert(args, `"${command}" before it is no command of ours`);
    const { stdout } = await runNtps(args);
    // A table's figures and addresses are those of the day; a packet is decoded to the letter.
    if (args.startsWith("decode")) assertEquals(stdout, code);
    else assertEquals(shapeOf(stdout)[0], shapeOf(code)[0]);
  });
}

test("README: the table of errors has all codes, and what the library says of them", () => {
  const source = readFileSync(`${ROOT}src/packet/error.ts`, "utf8");
  const [, union] = /export type NTPErrorCode =([^;]+);/.exec(source)!;
  const codes = [...union!.matchAll(/"([\w-]+)"/g)].map(([, code]) => code);
  const rows = tableRows(README, "`error.code`");
  assertEquals(rows.map(([code]) => code!.replaceAll("`", "")).sort(), codes.sort());
});

test("README: every reason not to answer is named", () => {
  const missing = DROP_REASONS.filter((reason) => !README.includes(`\`${reason}\``));
  assertEquals(missing, []);
});

test("README: the server is that of examples/server.ts", () => {
  const [shown] = blocksIn("ts").flatMap(({ code }) =>
    /^class \w+ extends NTPServer \{\n[^]*?\n\}$/m.exec(code) ?? []
  );
  assert(shown, "there is no class that extends NTPServer");
  assertStringIncludes(readFileSync(`${ROOT}examples/server.ts`, "utf8"), shown);
});

test("README: the runtimes are those that the suite runs on and the manifest asks for", () => {
  const row = (name: string) => tableRows(README, "on").find(([first]) => first === name)?.slice(1);
  const json = (path: string) => JSON.parse(readFileSync(ROOT + path, "utf8"));
  const { dependencies } = json("tools/runtimes/package.json");
  const { engines } = json("package.json");
  const names = ["deno", "bun", "node"];
  assertEquals(row("tested with"), names.map((name) => dependencies[name]));
  assertEquals(row("needs"), names.map((name) => engines[name].replace(">=", "")));
});

test("README: the table of commands has all scripts", () => {
  const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, "utf8"));
  const names = tableRows(README, "command").map(([command]) =>
    /^`npm (?:run )?([\w:]+)`$/.exec(command!)?.[1]
  );
  assertEquals(names.sort(), Object.keys(scripts).filter((name) => name !== "prepack").sort());
});
