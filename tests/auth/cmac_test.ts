import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { decodeHex, encodeHex } from "@std/encoding/hex";
import { Cmac } from "../../src/auth/cmac.ts";
import { SymmetricKey } from "../../src/auth/symmetric_key.ts";

const MESSAGE = decodeHex(
  "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51" +
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
);

/** Length of the message in bytes, and its MAC. */
type Vectors = readonly (readonly [length: number, mac: string])[];

// RFC 8573 §4 refers to these.
test("cmac: the vectors of RFC 4493 §4", () => {
  const vectors: Vectors = [
    [0, "bb1d6929e95937287fa37d129b756746"],
    [16, "070a16b46b4d4144f79bdd9dd04a287c"],
    [40, "dfa66747de9ae63030ca32611497c827"],
    [64, "51f0bebf7e3b9d92fc49741779363cfe"],
  ];
  check("2b7e151628aed2a6abf7158809cf4f3c", vectors);
});

test("cmac: the vectors of NIST SP 800-38B for AES-256", () => {
  const vectors: Vectors = [
    [0, "028962f61b7bf89efc6b551f4667d983"],
    [16, "28a7023f452e8f82bd4bf28d8c37c35c"],
    [40, "aaf3d8f1de5640c232f5b169b9c911e6"],
    [64, "e1992190549f6ed5696a2c056c315410"],
  ];
  check("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", vectors);
});

/** In every order of two, since one cipher makes all MACs of a key. */
function check(key: string, vectors: Vectors): void {
  const cmac = new Cmac(decodeHex(key));
  for (const pair of vectors.flatMap((first) => vectors.map((second) => [first, second]))) {
    for (const [length, mac] of pair) {
      assertEquals(encodeHex(cmac.sign(MESSAGE.subarray(0, length))), mac);
    }
  }
}

test("cmac: a MAC stays as it is when the next is made, and is the caller's to change", () => {
  const cmac = new Cmac(decodeHex("2b7e151628aed2a6abf7158809cf4f3c"));
  const first = cmac.sign(new Uint8Array(0));
  const text = encodeHex(first);
  cmac.sign(MESSAGE);
  assertEquals(encodeHex(first), text);
  cmac.sign(MESSAGE).fill(0);
  assertEquals(encodeHex(cmac.sign(new Uint8Array(0))), text);
});

test("cmac: a message is left as it was", () => {
  const message = MESSAGE.slice();
  new Cmac(new Uint8Array(16)).sign(message);
  assertEquals(message, MESSAGE);
});

test("cmac: a message that is longer than those before", () => {
  const used = new Cmac(new Uint8Array(16));
  for (const length of [1, 65, 1000, 3, 65_535]) {
    const message = new Uint8Array(length).fill(7);
    assertEquals(used.sign(message), new Cmac(new Uint8Array(16)).sign(message), `${length}`);
  }
});

/** Vectors of Project Wycheproof. */
type Wycheproof = readonly [id: number, key: string, message: string, tag: string, valid: boolean];

const file = new URL("../data/aes_cmac.json", import.meta.url);
const wycheproof = JSON.parse(readFileSync(file, "utf8")) as Wycheproof[];

test("cmac: the vectors of Project Wycheproof for keys of 128 and 256 bits", () => {
  let valid = 0, invalid = 0;
  for (const [id, hex, message, tag, isValid] of wycheproof) {
    const secret = decodeHex(hex);
    if (secret.length !== 16 && secret.length !== 32) continue;
    const key = new SymmetricKey({ id, type: secret.length === 16 ? "AES128" : "AES256", secret });
    assertEquals(key.verify(decodeHex(message), decodeHex(tag), 4), isValid, `vector ${id}`);
    if (isValid) valid++;
    else invalid++;
  }
  assertEquals([valid, invalid], [42, 162]);
});

test("cmac: the keys of other lengths of Project Wycheproof are refused", () => {
  let refused = 0;
  for (const [id, hex] of wycheproof) {
    const secret = decodeHex(hex);
    if (secret.length === 16 || secret.length === 32) continue;
    for (const type of ["AES128", "AES256"] as const) {
      let error: unknown;
      try {
        new SymmetricKey({ id, type, secret });
      } catch (caught) {
        error = caught;
      }
      assert(error instanceof RangeError, `vector ${id}`);
      refused++;
    }
  }
  assertEquals(refused, 10);
});
