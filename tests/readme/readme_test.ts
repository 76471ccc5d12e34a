// Holds README.md to the library: its code as document.ts says, and its tables.
import { test } from "node:test";
import { readFileSync } from "node:fs";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DROP_REASONS } from "../../src/server/drop_reason.ts";
import { documentTests } from "./document.ts";
import { fencedBlocks, tableRows } from "./markdown.ts";
import { ROOT } from "./runtime.ts";

const README = readFileSync(`${ROOT}README.md`, "utf8");
for (const { name, body, skip } of documentTests("README", README)) test(name, { skip }, body);

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
  const [shown] = fencedBlocks(README).flatMap(({ code }) =>
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
