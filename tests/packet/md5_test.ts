import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { encodeHex } from "@std/encoding/hex";
import { md5 } from "../../src/packet/md5.ts";

const digest = (text: string) => encodeHex(md5(new TextEncoder().encode(text)));

test("md5: the test suite of RFC 1321 §A.5", () => {
  assertEquals(digest(""), "d41d8cd98f00b204e9800998ecf8427e");
  assertEquals(digest("a"), "0cc175b9c0f1b6a831c399e269772661");
  assertEquals(digest("abc"), "900150983cd24fb0d6963f7d28e17f72");
  assertEquals(digest("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
  assertEquals(digest("abcdefghijklmnopqrstuvwxyz"), "c3fcd3d76192e4007dfb496cca67e13b");
  assertEquals(
    digest("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"),
    "d174ab98d277d9f5a5611c2c9f419d9f",
  );
  assertEquals(digest("1234567890".repeat(8)), "57edf4a22be3c955ac49da2e2107b67a");
});

test("md5: every length up to 300 and some above, as node:crypto has it", () => {
  const lengths = [...Array(301).keys(), 511, 512, 513, 4095, 65536, 100_001];
  for (const length of lengths) {
    const message = new Uint8Array(randomBytes(length));
    const expected = createHash("md5").update(message).digest("hex");
    assertEquals(encodeHex(md5(message)), expected, encodeHex(message.subarray(0, 300)));
  }
});

test("md5: a view into a larger buffer, left as it was", () => {
  const buffer = new Uint8Array(64).fill(97);
  assertEquals(encodeHex(md5(buffer.subarray(7, 8))), "0cc175b9c0f1b6a831c399e269772661");
  assertEquals(buffer, new Uint8Array(64).fill(97));
});
