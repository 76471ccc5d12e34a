import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { GrowingTable, table } from "../../src/cli/table.ts";
import { TextOutput } from "./fake_world.ts";

const COLUMNS = [{ title: "name", least: 6 }, { title: "n", right: true }, { title: "last" }];

test("table: columns are as wide as their widest cell, numbers to the right", () => {
  const rows = [["a", "1", "x"], ["much longer", "1000", ""]];
  assertEquals(
    table(COLUMNS, rows, new TextOutput()),
    "name            n  last\na               1  x\nmuch longer  1000\n",
  );
});

test("a growing table: the head comes before the first row, and a column never gets narrower", () => {
  const output = new TextOutput();
  const growing = new GrowingTable(COLUMNS, output);
  assertEquals(output.text, "");
  growing.add(["a", "1", "x"]);
  growing.add(["much longer", "1000", "y"]);
  growing.add(["b", "2", "z"]);
  assertEquals(output.lines, [
    "name    n  last",
    "a       1  x",
    "much longer  1000  y",
    "b               2  z",
  ]);
});
