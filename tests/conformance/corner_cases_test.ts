import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { readTable } from "./tables.ts";

const ROWS = readTable("case", "seen in", "where");
const FILES = readdirSync(new URL(".", import.meta.url))
  .filter((name) => name.endsWith("_corner_cases_test.ts"));

function namesIn(file: string): string[] {
  const text = readFileSync(new URL(file, import.meta.url), "utf8");
  return [...text.matchAll(/^test\(\s*"([^"]+)"/gm)].map(([, name]) => name!);
}

test("every corner case has a test by its name, or says what it waits for", () => {
  assertEquals(ROWS.length, 39);
  const told = new Map(FILES.map((file) => [file, [] as string[]]));
  for (const [what, seen, where] of ROWS) {
    const file = /^`(.+)`$/.exec(where!)?.[1];
    if (file === undefined) assert(where!.startsWith("waits for "), what);
    else told.get(file)!.push(`${what} (${seen})`);
  }
  for (const [file, names] of told) assertEquals(namesIn(file).sort(), names.sort(), file);
});
