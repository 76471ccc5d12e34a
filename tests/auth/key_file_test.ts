import { test } from "node:test";
import { inspect } from "node:util";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeHex, encodeHex } from "@std/encoding/hex";
import fc from "fast-check";
import { type KeyFileOptions, parseKeyFile } from "../../src/auth/key_file.ts";
import { KEY_TYPES, type KeyType, SymmetricKey } from "../../src/auth/symmetric_key.ts";
import { NTPError } from "../../src/packet/error.ts";
import { parseIpAddress } from "../../src/packet/ip_address.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const MESSAGE = new Uint8Array(48).fill(9);

/** A line, and the keys it is to give: identifier, type and secret, text or `0x…`. */
type Line = readonly [line: string, id: number, type: KeyType, secret: string];

function check(lines: readonly Line[], format?: KeyFileOptions["format"]): void {
  for (const [line, id, type, text] of lines) {
    const store = parseKeyFile(line, format && { format });
    assertEquals([...store].map((key) => [key.id, key.type]), [[id, type]], line);
    const secret = text.startsWith("0x") ? decodeHex(text.slice(2)) : bytes(text);
    const expected = new SymmetricKey({ id, type, secret }).sign(MESSAGE, 4);
    assertEquals(encodeHex(store.get(id)!.sign(MESSAGE, 4)), encodeHex(expected), line);
  }
}

function assertMalformed(text: string, place: string, what: string, options?: KeyFileOptions) {
  const error = assertThrows(() => parseKeyFile(text, options), NTPError, what);
  assertEquals(error.code, "malformed");
  assert(error.message.startsWith(`${place}: `), `${error.message} is not at ${place}`);
}

const HEX16 = "51769bc0e50a2f54799ec3e80d32577c";
const HEX20 = "51769bc0e50a2f54799ec3e80d32577ca1c6eb10";
const HEX32 = HEX16 + "a1c6eb10355a7fa4c9ee13385d82a7cc";

const BOTH: readonly Line[] = [
  ["1 MD5 twenty-characters-xx", 1, "MD5", "twenty-characters-xx"],
  ["4294967295 SHA1 x", 4294967295, "SHA1", "x"],
  ["0007\tSHA256   !semi;per%  ", 7, "SHA256", "!semi;per%"],
  ["  9 SHA512 0123456789abcdef0123 ", 9, "SHA512", "0123456789abcdef0123"],
  ["9 SHA384 schlüssel\r", 9, "SHA384", "schlüssel"],
  ["9 AES128 sixteen-chars-ok", 9, "AES128", "sixteen-chars-ok"],
];

const CHRONY: readonly Line[] = [
  ["1 onlykey", 1, "MD5", "onlykey"],
  [`1 ${HEX20}`, 1, "MD5", HEX20],
  [`1 HEX:${HEX16}`, 1, "MD5", `0x${HEX16}`],
  [`2 SHA1 HEX:${HEX20.toUpperCase()}`, 2, "SHA1", `0x${HEX20}`],
  ["2 SHA1 HEX:00", 2, "SHA1", "0x00"],
  ["2 SHA1 ASCII:HEX:00", 2, "SHA1", "HEX:00"],
  ["2 SHA1 ASCII:a#b", 2, "SHA1", "a#b"],
  [`3 AES128 HEX:${HEX16}`, 3, "AES128", `0x${HEX16}`],
  [`4 AES256 HEX:${HEX32}`, 4, "AES256", `0x${HEX32}`],
  ["4 AES256 thirty-two-characters-exactly!!!", 4, "AES256", "thirty-two-characters-exactly!!!"],
  [`5 SHA1 hex:${HEX20}`, 5, "SHA1", `hex:${HEX20}`],
];

const NTPD: readonly Line[] = [
  ["2 M twenty-characters-xx", 2, "MD5", "twenty-characters-xx"],
  ["2 md5 k", 2, "MD5", "k"],
  [`7 SHA1 ${HEX20}`, 7, "SHA1", `0x${HEX20}`],
  [`7 SHA1 ${HEX20.toUpperCase()}`, 7, "SHA1", `0x${HEX20}`],
  ["7 SHA1 51769bc0e50a2f54799ec3", 7, "SHA1", "0x51769bc0e50a2f54799ec3"],
  [`7 sha-1 ${HEX32}`, 7, "SHA1", `0x${HEX32}`],
  ["7 SHA2-256 k", 7, "SHA256", "k"],
  ["7 SHA1 hash # behind", 7, "SHA1", "hash"],
  ["7 SHA1 hash #behind it", 7, "SHA1", "hash"],
  [`8 AES128CMAC ${HEX16}`, 8, "AES128", `0x${HEX16}`],
  [`8 AES ${HEX16}`, 8, "AES128", `0x${HEX16}`],
  [`8 AES-128-CMAC ${HEX16}`, 8, "AES128", `0x${HEX16}`],
  [`8 AES-256 ${HEX32}`, 8, "AES256", `0x${HEX32}`],
  [`9 SHA1 ${HEX20} 192.0.2.1`, 9, "SHA1", `0x${HEX20}`],
];

test("lines that chrony and ntpd read in the same way", () => {
  check(BOTH);
  check(BOTH, "chrony");
  check(BOTH, "ntpd");
});

test("chrony's lines", () => {
  check(CHRONY);
  check(CHRONY, "chrony");
  check([
    ["1 SHA1", 1, "MD5", "SHA1"],
    [`1 SHA1 ${HEX20}`, 1, "SHA1", HEX20],
    ["1 SHA1 hash#inside", 1, "SHA1", "hash#inside"],
    ["1 #leading", 1, "MD5", "#leading"],
    [`1 SHA1 ${"ab".repeat(70)}`, 1, "SHA1", "ab".repeat(70)],
  ], "chrony");
});

test("ntpd's lines", () => {
  check(NTPD);
  check(NTPD, "ntpd");
  check([
    ["1 SHA1 hash#inside", 1, "SHA1", "hash"],
    ["1 SHA1 ASCII:withprefix", 1, "SHA1", "ASCII:withprefix"],
    ["1 SHA1 HEX:00", 1, "SHA1", "HEX:00"],
  ], "ntpd");
});

test("in a file of both formats a long key is hexadecimal if it can be, else text", () => {
  check([
    [`1 SHA1 ${HEX20}`, 1, "SHA1", `0x${HEX20}`],
    ["1 SHA1 correct-horse-battery-staple", 1, "SHA1", "correct-horse-battery-staple"],
    [`1 SHA1 ${HEX20}g`, 1, "SHA1", `${HEX20}g`],
    [`1 SHA1 ASCII:${HEX20}`, 1, "SHA1", HEX20],
  ]);
});

test("comments, blank lines, line ends and a byte order mark", () => {
  const text = "\uFEFF# keys\r\n\r\n! old\n ; 5 MD5 no\n%\n\n1 MD5 a\r\n   # 2 MD5 no\n3 SHA1 b #c";
  assertEquals([...parseKeyFile(text)].map(({ id }) => id), [1, 3]);
  assertMalformed("; comment\n1 MD5 a\n", "keys:1:1", "id", { format: "ntpd" });
});

test("addresses that a key is restricted to", () => {
  const store = parseKeyFile(
    "1 SHA1 a 192.0.2.1,198.51.100.0/24,2001:db8::/32\n2 SHA1 b ::1 # us\n3 SHA1 c\n" +
      `4 SHA1 HEX:${HEX20} 203.0.113.0/24`,
  );
  const allows = (id: number, address: string) => {
    const into = new Uint8Array(16);
    assert(parseIpAddress(address, into) !== 0);
    return store.allows(id, into);
  };
  for (const address of ["192.0.2.1", "198.51.100.77", "2001:db8:7::1"]) assert(allows(1, address));
  for (const address of ["192.0.2.2", "198.51.101.1", "2001:db9::", "::1"]) {
    assert(!allows(1, address), address);
  }
  assert(allows(2, "::1") && !allows(2, "127.0.0.1"));
  assert(allows(3, "192.0.2.2"));
  assert(allows(4, "203.0.113.9") && !allows(4, "192.0.2.1"));
});

test("a bad line is told with name, line and column", () => {
  const cases: [line: string, column: number, what: string][] = [
    ["MD5 1 key", 1, "a number from 1 to 4294967295"],
    ["0 MD5 key", 1, "a number from 1"],
    ["4294967296 MD5 key", 1, "a number from 1"],
    ["-1 MD5 key", 1, "a number from 1"],
    ["0x7 MD5 key", 1, "a number from 1"],
    ["7", 2, "no type and no key"],
    [" 7  ", 3, "no type and no key"],
    ["7 SHA1", 7, "no key behind the type"],
    ["7 SHA1 # comment", 17, "no key behind the type"],
    ["7 SHA265 key", 3, "MD5, SHA1, SHA256, SHA384, SHA512, AES128, AES256"],
    ["7 HMAC-SHA256 key", 3, "not a type of key"],
    ["7 SHA key", 3, "not a type of key"],
    ["7 SHA1 my pass phrase", 16, "nothing follows the addresses"],
    ["7 SHA1 my passphrase", 11, "there are no blanks"],
    ["7  SHA1 HEX:012", 9, "odd number of digits"],
    ["7 SHA1 HEX:01x2", 8, "character 3 of the hexadecimal key"],
    ["7 SHA1 HEX:", 8, "1 to 1024 bytes, not 0"],
    ["7 SHA1 ASCII:", 8, "1 to 1024 bytes, not 0"],
    [`7 SHA1 ${"k".repeat(1025)}`, 8, "not 1025"],
    [`7 SHA1 ${HEX20}a`, 8, "odd number of digits"],
    [`7 SHA1 ${HEX32}ab`, 8, "more than 64 digits"],
    ["7 SHA1 hash#inside", 8, "a # in a key"],
    ["7 AES128 fifteen-chars-o", 10, "AES128 has 16 bytes, not 15"],
    [`7 AES128 HEX:${HEX20}`, 10, "AES128 has 16 bytes, not 20"],
    [`7 AES256 HEX:${HEX16}`, 10, "AES256 has 32 bytes, not 16"],
    ["7 SHA1 a 192.0.2.1,,::1", 20, "addresses"],
    ["7 SHA1 a 192.0.2.1,192.0.2.0/33", 20, "addresses"],
    ["7 SHA1 a 192.0.2.1/24", 10, "bits set behind a prefix"],
    ["7 SHA1 a 192.0.2.1, ::1", 21, "nothing follows the addresses"],
    ["1 SHA1 again", 1, "key 1 is in line 2 already"],
  ];
  for (const [line, column, what] of cases) {
    const text = `# keys\n1 MD5 first\n\n${line}\n2 MD5 more\n`;
    assertMalformed(text, `/etc/ntp.keys:4:${column}`, what, { name: "/etc/ntp.keys" });
  }
});

test("what only one of the formats has is an error in the other", () => {
  const cases: [line: string, format: "chrony" | "ntpd", column: number, what: string][] = [
    ["7 onlykey", "ntpd", 3, "not a type"],
    ["7 SHA1", "ntpd", 7, "no key behind the type"],
    [`7 SHA1 HEX:${HEX20}`, "ntpd", 8, "character 1"],
    ["7 SHA1 correct-horse-battery-staple", "ntpd", 8, "character 2 of the hexadecimal key"],
    ["7 SHA1 #key", "ntpd", 12, "no key"],
    ["7 SHA1 key 192.0.2.1", "chrony", 12, "nothing follows the key"],
    ["7 SHA1 key # comment", "chrony", 12, "nothing follows the key"],
  ];
  for (const [line, format, column, what] of cases) {
    assertMalformed(line, `keys:1:${column}`, what, { format });
  }
  assertThrows(
    () => parseKeyFile("1 MD5 a", { format: "ntp" as "ntpd" }),
    TypeError,
    'format is "chrony" or "ntpd", not ntp',
  );
});

test("a file without a key is an error", () => {
  for (const text of ["", "\n", "# 1 MD5 key\n", "\uFEFF", "!\n;\n%\n"]) {
    assertMalformed(text, "keys:1:1", "no key");
  }
});

test("no error tells a part of any word but a number in the place of the id", () => {
  // Letters that no message has together.
  const secret = fc.stringMatching(/^[qxz]{4}[qxz:#,./-]{0,30}[qxz]{4}$/);
  const word = fc.oneof(
    secret,
    fc.constantFrom("7", "SHA1", "HEX:", "ASCII:", "192.0.2.1", "#", "!", ...KEY_TYPES),
    secret.map((text) => `HEX:${text}`),
    secret.map((text) => `192.0.2.0/24,${text}`),
  );
  const line = fc.array(word, { maxLength: 6 }).map((words) => words.join(" "));
  const lines = fc.array(fc.oneof(line, line.map((rest) => `7 ${rest}`)), { maxLength: 3 });
  let failed = 0;
  fc.assert(
    fc.property(lines, fc.constantFrom(undefined, "chrony", "ntpd"), (lines, format) => {
      try {
        parseKeyFile(lines.join("\n"), format && { format });
      } catch (error) {
        failed++;
        assert(error instanceof NTPError, inspect(error));
        assert(!/[qxz]{4}/i.test(inspect(error)), inspect(error));
      }
    }),
    { numRuns: 2000 },
  );
  assert(failed > 500, `${failed} errors`);
});

test("any text is keys or an NTPError with a place", () => {
  const text = fc.array(
    fc.constantFrom(...["7", "1 ", " ", "\n", "MD5", "AES128", "HEX:", "#", "a"]),
  )
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.oneof(text, fc.string()), (text) => {
      try {
        assert(parseKeyFile(text).size > 0);
      } catch (error) {
        assert(error instanceof NTPError, inspect(error));
        assertEquals(error.code, "malformed");
        assert(/^keys:\d+:\d+: /.test(error.message), error.message);
      }
    }),
    { numRuns: 1000 },
  );
});
