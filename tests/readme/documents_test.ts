// Holds the documents to the repository: what they name must be there.
import { test } from "node:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { assert, assertEquals } from "@std/assert";
import { checkCommand, commandsOf } from "./commands.ts";
import { anchorsOf, fencedBlocks, linksOf, tableRows } from "./markdown.ts";
import { ROOT } from "./runtime.ts";

const DOCUMENTS = readdirSync(ROOT).filter((name) => name.endsWith(".md")).sort();

const read = (path: string): string => readFileSync(ROOT + path, "utf8");
const json = (path: string) => JSON.parse(read(path));

test("documents: all are there", () => {
  assertEquals(DOCUMENTS, [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "SECURITY.md",
  ]);
});

test("documents: links lead somewhere", () => {
  for (const document of DOCUMENTS) {
    for (const link of linksOf(read(document))) {
      if (/^https:/.test(link)) continue;
      const [path, anchor] = link.split("#");
      const target = path || document;
      assert(existsSync(ROOT + target), `${document} links to ${link}`);
      if (anchor === undefined) continue;
      assert(anchorsOf(read(target)).includes(anchor), `${document} links to ${link}`);
    }
  }
});

test("documents: files and folders that they name exist", () => {
  for (const document of DOCUMENTS) {
    const text = read(document);
    const planned = tableRows(text, "room").filter(([room]) => room!.includes("(planned)"));
    const missing = [...text.matchAll(/`((?:src|tests|tools|bench|examples|\.ci)\/[^`\s*]*)`/g)]
      .map(([, path]) => path!)
      .filter((path) => !/[A-Z]{4}/.test(path)) // NAME stands for any
      .filter((path) => !planned.some(([room]) => room!.includes(path)))
      .filter((path) => !existsSync(ROOT + path));
    assertEquals(missing, [], document);
  }
});

test("documents: ARCHITECTURE.md has the rooms, planned until something of them is exported", () => {
  const rooms = tableRows(read("ARCHITECTURE.md"), "room").map(([room]) => {
    const [, name, planned] = /^`src\/(\w+)\/`( \(planned\))?$/.exec(room!) ?? [];
    return { name: name!, planned: planned !== undefined };
  });
  for (const room of readdirSync(`${ROOT}src`)) {
    assert(rooms.some(({ name }) => name === room), `ARCHITECTURE.md does not have ${room}`);
  }
  const exported = read("mod.ts") + JSON.stringify(json("deno.json").exports);
  for (const { name, planned } of rooms) {
    assertEquals(planned, !exported.includes(`"./src/${name}/`), name);
  }
});

test("documents: the tests that SECURITY.md names exist", () => {
  const text = read("SECURITY.md").replace(/\s+/g, " ");
  const named = [...text.matchAll(/\]\((tests\/[^)]+)\),((?: "[^"]+",?)+)/g)];
  assert(named.length > 0);
  for (const [, path, titles] of named) {
    const source = read(path!);
    for (const [, title] of titles!.matchAll(/"([^"]+)"/g)) {
      assert(source.includes(`test("${title}"`), `${path} has no test "${title}"`);
    }
  }
});

test("documents: the CVEs that SECURITY.md counts as covered have a test", () => {
  const covered = tableRows(read("tests/conformance/README.md"), "case")
    .filter(([, , where]) => where!.startsWith("`"))
    .flatMap(([, seen]) => seen!.match(/CVE-\d+-\d+/g) ?? []);
  const claimed = read("SECURITY.md").match(/CVE-\d+-\d+/g) ?? [];
  assertEquals([...new Set(claimed)].sort(), [...new Set(covered)].sort());
});

test("documents: CHANGELOG.md has the version of the manifests, below what is unreleased", () => {
  const versions = [...read("CHANGELOG.md").matchAll(/^## \[([^\]]+)\]/gm)].map(([, name]) => name);
  assertEquals(versions[0], "Unreleased");
  for (const manifest of ["package.json", "deno.json", "jsr.json"]) {
    assertEquals(versions[1], json(manifest).version, manifest);
  }
});

for (const { line, language, code } of fencedBlocks(read("CONTRIBUTING.md"))) {
  assertEquals(language, "sh", `CONTRIBUTING.md, line ${line}`);
  for (const command of commandsOf(code)) {
    test(`CONTRIBUTING, line ${line}: ${command}`, () => checkCommand(command));
  }
}
