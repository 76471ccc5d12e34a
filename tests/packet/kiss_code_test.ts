import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { describeKissCode } from "../../src/packet/kiss_code.ts";

test("kiss code: all of RFC 5905 figure 13, and NTSN of RFC 8915 §5.7, have a meaning", () => {
  const codes = "ACST AUTH AUTO BCST CRYP DENY DROP INIT MCST NKEY NTSN RATE RMOT RSTR STEP";
  const meanings = codes.split(" ").map((code) => describeKissCode(code));
  for (const meaning of meanings) assert(meaning);
  assertEquals(new Set(meanings).size, meanings.length);
});

test("kiss code: others have none, not even the names that objects have", () => {
  for (const code of ["", "rate", "RATE ", "XABC", "constructor", "__proto__"]) {
    assertEquals(describeKissCode(code), undefined, code);
  }
});
