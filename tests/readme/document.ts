// Holds the code blocks of a document to the library, each by the rule of its language; one that no rule
// covers is a failure.
//
// ts    type-checked as it stands; run on every runtime with loopback.ts in the place of the network;
//       what stands in a comment behind `console.log(…);` is what it prints
// sh    every command by the rules of commands.ts
// json  parsed, and its keys looked up in deno.json
// toml  read as the configuration of ntps serve
// text  what the last command of the `sh` block before it prints, with figures of its own
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { readConfig } from "../../src/cli/config_file.ts";
import { serve } from "../../src/cli/serve.ts";
import { SERVE_SECTIONS } from "../../src/cli/serve_config.ts";
import { checkCommand, commandsOf } from "./commands.ts";
import { type Block, fencedBlocks } from "./markdown.ts";
import { runNtps } from "./ntps.ts";
import { ROOT, runFile, RUNTIME, start } from "./runtime.ts";

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

/** Numbers and times made alike, and columns of any width. */
function shapeOf(text: string): string[] {
  return text.trim().split("\n").map((line) =>
    line.replace(/ {2,}/g, "  ").replace(/[+-]?\d+(\.\d+)?/g, "0").trim()
  );
}

/** A test, to be registered by the file that it is to be counted for. */
export interface DocumentTest {
  readonly name: string;
  readonly body: () => void | Promise<void>;
  /** Why it is not run here; false: it is. */
  readonly skip: string | false;
}

/**
 * The tests of a document.
 *
 * @param name what to call it
 * @param markdown its text
 */
export function documentTests(name: string, markdown: string): DocumentTest[] {
  const tests: DocumentTest[] = [];
  const test = (name: string, body: DocumentTest["body"], skip: DocumentTest["skip"] = false) =>
    tests.push({ name, body, skip });
  const blocks = fencedBlocks(markdown);
  const blocksIn = (language: string) => blocks.filter((block) => block.language === language);

  test(`${name}: every code block has a rule`, () => {
    assert(blocks.length > 0);
    const ruled = ["ts", "sh", "json", "text", "toml"];
    const others = blocks.filter(({ language }) => !ruled.includes(language));
    assertEquals(others.map(({ line, language }) => `line ${line}: ${language}`), []);
  });

  if (blocksIn("ts").length > 0) {
    test(`${name}: the code is type-checked`, async () => {
      await inFolder(async (folder) => {
        const files = blocksIn("ts").map(({ line, code }) => {
          const file = join(folder, `line_${line}.ts`);
          writeFileSync(file, code);
          return file;
        });
        const { code, output } = await start(["check", "--unstable-net", ...files]);
        assertEquals(code, 0, output);
      });
    }, RUNTIME === "deno" ? false : "Deno does");
  }

  for (const block of blocksIn("ts")) {
    test(`${name}, line ${block.line}: the code runs`, () => runBlock(block));
  }

  for (const { line, code } of blocksIn("toml")) {
    test(`${name}, line ${line}: the configuration is right`, async () => {
      const { values, problems } = await readConfig(code, name, SERVE_SECTIONS, serve.options);
      assertEquals(problems, []);
      for (const [option, { name, texts }] of values) serve.options[option]!.read(texts, name);
      assert(values.size > 0);
    });
  }

  for (const { line, code } of blocksIn("sh")) {
    for (const command of commandsOf(code)) {
      test(`${name}, line ${line}: ${command}`, () => checkCommand(command));
    }
  }

  for (const { line, code } of blocksIn("json")) {
    test(`${name}, line ${line}: the settings are those of this project`, () => {
      const settings = Object.entries(JSON.parse(code));
      const ours = JSON.parse(readFileSync(`${ROOT}deno.json`, "utf8"));
      for (const [key, value] of settings) assertEquals(ours[key], value);
    });
  }

  for (const { line, code } of blocksIn("text")) {
    test(`${name}, line ${line}: this is what is printed`, async () => {
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
  return tests;
}
