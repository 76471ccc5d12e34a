import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertNotEquals, assertThrows } from "@std/assert";
import { encodeHex } from "@std/encoding/hex";
import { generateKey } from "../../src/auth/generate_key.ts";
import { parseKeyFile } from "../../src/auth/key_file.ts";
import { KEY_TYPES, type KeyType } from "../../src/auth/symmetric_key.ts";

const MESSAGE = new Uint8Array(48).fill(9);
const counting = (into: Uint8Array) => into.forEach((_, at) => into[at] = 13 * at + 0x91);

test("what is generated is what the line says, by the rules of both daemons where they are one", () => {
  for (const type of KEY_TYPES) {
    const isAes = type.startsWith("AES");
    for (const format of ["chrony", "ntpd"] as const) {
      const { key, line } = generateKey(type, { id: 77, format });
      assertEquals([key.id, key.type], [77, type]);
      const rules = isAes ? [undefined, format] : [undefined, "chrony", "ntpd"] as const;
      for (const rule of rules) {
        const read = parseKeyFile(line, rule && { format: rule }).get(77)!;
        assertEquals(read.type, type);
        assertEquals(encodeHex(read.sign(MESSAGE, 4)), encodeHex(key.sign(MESSAGE, 4)), line);
      }
    }
  }
});

test("the lines that are written", () => {
  const lines = (format: "chrony" | "ntpd") =>
    (["MD5", "AES128", "AES256"] as const).map((type) =>
      generateKey(type, { id: 3, format, random: counting }).line
    );
  const digits = "919eabb8c5d2dfecf90613202d3a4754";
  const more = "616e7b8895a2afbcc9d6e3f0fd0a1724";
  assertEquals(lines("chrony"), [
    "3 MD5 Rer4FSfs5GTgt6HUhu7I",
    `3 AES128 HEX:${digits}`,
    `3 AES256 HEX:${digits}${more}`,
  ]);
  assertEquals(lines("ntpd"), [
    "3 MD5 Rer4FSfs5GTgt6HUhu7I",
    `3 AES128CMAC ${digits}`,
    `3 AES-256 ${digits}${more}`,
  ]);
});

test("every key is another, and every character of the alphabet comes up", () => {
  const seen = new Set<string>();
  const lines = Array.from({ length: 200 }, () => generateKey("SHA256").line);
  for (const line of lines) {
    assertMatch(line, /^1 SHA256 [\w-]{20}$/);
    for (const character of line.slice(9)) seen.add(character);
  }
  assertEquals(new Set(lines).size, 200);
  assertEquals(seen.size, 64);
  assertNotEquals(generateKey("AES128").line, generateKey("AES128").line);
});

test("what cannot be generated is said", () => {
  assertThrows(() => generateKey("SHA2" as KeyType), TypeError, "MD5, SHA1");
  assertThrows(() => generateKey("SHA1", { id: 0 }), RangeError, "1 to 4294967295");
  assertThrows(
    () => generateKey("AES128", { format: "ntp" as "ntpd" }),
    TypeError,
    'format is "chrony" or "ntpd"',
  );
  let asked = 0;
  generateKey("AES256", {
    random: (into) => {
      asked += into.length;
    },
  });
  assert(asked === 32);
});
