// Holds the guides of docs/ to the library, as README.md is.
import { test } from "node:test";
import { readdirSync, readFileSync } from "node:fs";
import { assert } from "@std/assert";
import { documentTests } from "./document.ts";
import { ROOT } from "./runtime.ts";

const guides = readdirSync(`${ROOT}docs`).filter((name) => name.endsWith(".md")).sort();

for (const guide of guides) {
  const markdown = readFileSync(`${ROOT}docs/${guide}`, "utf8");
  for (const { name, body, skip } of documentTests(guide, markdown)) test(name, { skip }, body);
}

test("the README names every guide", () => {
  const readme = readFileSync(`${ROOT}README.md`, "utf8");
  for (const name of guides) assert(readme.includes(`(docs/${name})`), name);
});
