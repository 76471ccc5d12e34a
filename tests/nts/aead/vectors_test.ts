import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { decodeHex, encodeHex } from "@std/encoding/hex";
import { AesSivKey } from "../../../src/nts/aead/aes_siv_key.ts";
import { NativeSivKey } from "../../../src/nts/aead/native_siv_key.ts";
import { AEAD_IDS, aeadWith } from "../../../src/nts/aead/registry.ts";
import { type SivKey, sivOpen, sivSeal } from "../../../src/nts/aead/siv.ts";

function vectors<T>(name: string): T[] {
  return JSON.parse(readFileSync(new URL(`../../data/${name}`, import.meta.url), "utf8")) as T[];
}

/** Both implementations of a key of AES-SIV; the runtime's AES has no 192 bits on Deno. */
function keysOf(key: Uint8Array): SivKey[] {
  const own = new AesSivKey();
  own.set(key);
  return key.length === 48 ? [own] : [own, new NativeSivKey(key)];
}

type Plain = readonly [
  id: number,
  key: string,
  associatedData: string,
  plaintext: string,
  ciphertext: string,
  isValid: boolean,
];

test("aes-siv: the vectors of Project Wycheproof, in our AES and in the runtime's", () => {
  let valid = 0, invalid = 0;
  for (const [id, hex, ad, plaintext, ciphertext, isValid] of vectors<Plain>("aes_siv.json")) {
    const components = [decodeHex(ad)], sealed = decodeHex(ciphertext);
    for (const key of keysOf(decodeHex(hex))) {
      const opened = new Uint8Array(Math.max(0, sealed.length - 16));
      assertEquals(sivOpen(key, components, sealed, opened), isValid, `${id}`);
      if (!isValid) {
        invalid++;
        assert(opened.every((byte) => byte === 0), `${id}`);
        continue;
      }
      valid++;
      assertEquals(encodeHex(opened), plaintext, `${id}`);
      const again = new Uint8Array(sealed.length);
      sivSeal(key, components, opened, again);
      assertEquals(encodeHex(again), ciphertext, `${id}`);
    }
  }
  assert(valid > 100 && invalid > 400, `${valid} ${invalid}`);
});

test("aes-siv: RFC 5297 A.1 and A.2", () => {
  const a1 = "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";
  const a2 = "7f7e7d7c7b7a79787776757473727170404142434445464748494a4b4c4d4e4f";
  const cases = [
    [
      a1,
      ["101112131415161718191a1b1c1d1e1f2021222324252627"],
      "112233445566778899aabbccddee",
      "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c",
    ],
    [
      a2,
      [
        "00112233445566778899aabbccddeeffdeaddadadeaddadaffeeddccbbaa99887766554433221100",
        "102030405060708090a0",
        "09f911029d74e35bd84156c5635688c0",
      ],
      "7468697320697320736f6d6520706c61696e7465787420746f20656e6372797074207573696e67205349562d414553",
      "7bdb6e3b432667eb06f4d14bff2fbd0fcb900f2fddbe404326601965c889bf17" +
      "dba77ceb094fa663b7a3f748ba8af829ea64ad544a272e9c485b62a3fd5c0d",
    ],
  ] as const;
  for (const [hex, ads, plaintext, ciphertext] of cases) {
    for (const key of keysOf(decodeHex(hex))) {
      const into = new Uint8Array(ciphertext.length / 2);
      sivSeal(key, ads.map((ad) => decodeHex(ad)), decodeHex(plaintext), into);
      assertEquals(encodeHex(into), ciphertext);
    }
  }
});

type WithNonce = readonly [
  id: number,
  key: string,
  nonce: string,
  associatedData: string,
  plaintext: string,
  ciphertext: string,
  isValid: boolean,
];

/** Seals and opens with the algorithm that keys of a length belong to. */
function checkAead(file: string, idOf: (keyLength: number) => number): [number, number] {
  let valid = 0, invalid = 0;
  for (const [id, hex, iv, ad, plaintext, ciphertext, isValid] of vectors<WithNonce>(file)) {
    const key = decodeHex(hex), nonce = decodeHex(iv), sealed = decodeHex(ciphertext);
    const aead = aeadWith(idOf(key.length))!;
    assertEquals(aead.keyLength, key.length);
    const opened = new Uint8Array(Math.max(0, sealed.length - 16));
    assertEquals(aead.open(key, nonce, decodeHex(ad), sealed, opened), isValid, `${id}`);
    if (!isValid) {
      invalid++;
      continue;
    }
    valid++;
    assertEquals(encodeHex(opened), plaintext, `${id}`);
    const again = new Uint8Array(sealed.length);
    aead.seal(key, nonce, decodeHex(ad), opened, again);
    assertEquals(encodeHex(again), ciphertext, `${id}`);
  }
  return [valid, invalid];
}

test("aes-siv with nonce: the vectors of Project Wycheproof, for keys of all three lengths", () => {
  const [valid, invalid] = checkAead("aes_siv_nonce.json", (length) => length / 16 + 13);
  assertEquals([valid > 200, invalid > 600], [true, true], `${valid} ${invalid}`);
});

test("aes-gcm-siv: the vectors of RFC 8452 and of Project Wycheproof", () => {
  const [valid, invalid] = checkAead("aes_gcm_siv.json", () => 30);
  assertEquals([valid > 60, invalid > 30], [true, true], `${valid} ${invalid}`);
});

test("aead: what is changed anywhere is not opened, and gives no plaintext", () => {
  for (const id of AEAD_IDS) {
    const aead = aeadWith(id)!;
    const key = new Uint8Array(aead.keyLength).fill(7);
    const nonce = new Uint8Array(aead.nonceLength).fill(3);
    const packet = new Uint8Array(100).fill(1), secret = new Uint8Array(37).fill(2);
    const sealed = new Uint8Array(53), opened = new Uint8Array(37);
    aead.seal(key, nonce, packet, secret, sealed);
    assert(aead.open(key, nonce, packet, sealed, opened));
    for (const part of [key, nonce, packet, sealed]) {
      for (const at of [0, part.length >> 1, part.length - 1]) {
        part[at]! ^= 1;
        assertEquals(aead.open(key, nonce, packet, sealed, opened), false, `${id} byte ${at}`);
        assert(opened.every((byte) => byte === 0));
        part[at]! ^= 1;
      }
    }
    assert(aead.open(key, nonce, packet, sealed, opened));
    assertEquals(aead.open(key, nonce, packet, sealed.subarray(0, 15), new Uint8Array(0)), false);
  }
});
