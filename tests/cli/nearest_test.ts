import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { nearest } from "../../src/cli/nearest.ts";

const NAMES = ["query", "serve", "decode", "help"];

test("nearest: letters left out, put in, exchanged, swapped", () => {
  assertEquals(nearest("qury", NAMES), "query");
  assertEquals(nearest("seerve", NAMES), "serve");
  assertEquals(nearest("decide", NAMES), "decode");
  assertEquals(nearest("hlep", NAMES), "help");
  assertEquals(nearest("opt", ["pot"]), "pot"); // one edit, not two
});

test("nearest: a beginning counts as the name", () => {
  assertEquals(nearest("dec", NAMES), "decode");
  assertEquals(nearest("q", NAMES), "query");
});

test("nearest: the nearest of several", () => {
  assertEquals(nearest("--ipv", ["--ipv4", "--port"]), "--ipv4");
  assertEquals(nearest("bat", ["bit", "cat", "batt"]), "batt");
});

test("nearest: nothing that is far away", () => {
  assertEquals(nearest("frobnicate", NAMES), undefined);
  assertEquals(nearest("x", NAMES), undefined);
  assertEquals(nearest("", NAMES), undefined);
});
