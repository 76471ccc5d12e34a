import process from "node:process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { decodeHex, encodeHex } from "@std/encoding/hex";
import { AEAD_IDS } from "../../src/nts/aead/registry.ts";
import { openCookieKeyFile } from "../../src/nts/cookie_key_file.ts";
import { hkdfSha256 } from "../../src/nts/hkdf.ts";
import { RotatingCookieKeys, type SavedCookieKey } from "../../src/nts/rotating_cookie_keys.ts";
import { SharedCookieKeys } from "../../src/nts/shared_cookie_keys.ts";
import { NTPError } from "../../src/packet/error.ts";
import { keysFor } from "./scene.ts";

const DAY = 86_400_000;

test("hkdf: RFC 5869 A.1 to A.3", () => {
  const range = (from: number, to: number) =>
    Uint8Array.from({ length: to - from + 1 }, (_, i) => from + i);
  const cases = [
    [
      new Uint8Array(22).fill(0x0b),
      range(0x00, 0x0c),
      range(0xf0, 0xf9),
      "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ],
    [
      range(0x00, 0x4f),
      range(0x60, 0xaf),
      range(0xb0, 0xff),
      "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c" +
      "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71" +
      "cc30c58179ec3e87c14c01d5c1f3434f1d87",
    ],
    [
      new Uint8Array(22).fill(0x0b),
      new Uint8Array(0),
      new Uint8Array(0),
      "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ],
  ] as const;
  for (const [secret, salt, info, okm] of cases) {
    assertEquals(encodeHex(hkdfSha256(secret, salt, info, okm.length / 2)), okm);
  }
});

test("cookies: all algorithms, no two alike, lengths a multiple of four", () => {
  const cookieKeys = new RotatingCookieKeys();
  for (const aead of AEAD_IDS) {
    const keys = keysFor(aead);
    const cookie = cookieKeys.seal(keys);
    assertEquals(cookie.length, 40 + keys.c2s.length + keys.s2c.length);
    assertEquals(cookie.length % 4, 0);
    assert(encodeHex(cookie) !== encodeHex(cookieKeys.seal(keys)));
    assertEquals(cookieKeys.open(cookie), keys);
    assertEquals(encodeHex(cookie).includes("c2c2c2c2"), false);
  }
});

test("cookies: what was changed, cut or lengthened is none", () => {
  const cookieKeys = new RotatingCookieKeys();
  const cookie = cookieKeys.seal(keysFor(15));
  for (let at = 0; at < cookie.length; at++) {
    cookie[at]! ^= 1;
    assertEquals(cookieKeys.open(cookie), undefined, `byte ${at}`);
    cookie[at]! ^= 1;
  }
  for (let length = 0; length < cookie.length; length++) {
    assertEquals(cookieKeys.open(cookie.subarray(0, length)), undefined, `length ${length}`);
  }
  assertEquals(cookieKeys.open(new Uint8Array([...cookie, 0, 0, 0, 0])), undefined);
  assert(cookieKeys.open(cookie) !== undefined);
});

test("cookies: keys of wrong lengths are refused, without telling them", () => {
  const cookieKeys = new RotatingCookieKeys();
  const { c2s, s2c } = keysFor(15);
  const error = assertThrows(() => cookieKeys.seal({ aead: 17, c2s, s2c }), RangeError, "c2s");
  assert(!/194|c2c2/.test(error.message));
  assertThrows(() => cookieKeys.seal({ aead: 1, c2s, s2c }), RangeError, "aead");
});

test("old cookies survive rotations, as many as configured", () => {
  for (const keep of [1, 2, 7]) {
    let now = 1e12, saved: readonly SavedCookieKey[] = [];
    const cookieKeys = new RotatingCookieKeys({
      keep,
      now: () => now,
      onRotate: (keys) => saved = keys,
    });
    const cookie = cookieKeys.seal(keysFor(15));
    for (let i = 0; i < keep; i++) {
      now += DAY;
      cookieKeys.seal(keysFor(15)); // in time there is a new key
      assertEquals(cookieKeys.size, i + 2);
      assert(cookieKeys.open(cookie) !== undefined, `${keep} ${i}`);
    }
    const restarted = new RotatingCookieKeys({ keep, now: () => now, saved });
    assert(restarted.open(cookie) !== undefined);
    cookieKeys.rotate();
    assertEquals([cookieKeys.open(cookie), cookieKeys.size], [undefined, keep + 1]);
  }
});

test("rotating keys: a clock set back by years makes a new key once", () => {
  let now = 2e12;
  const cookieKeys = new RotatingCookieKeys({ now: () => now });
  const cookie = cookieKeys.seal(keysFor(15));
  now = 1e12;
  for (let i = 0; i < 5; i++) cookieKeys.seal(keysFor(15));
  assertEquals(cookieKeys.size, 2);
  assert(cookieKeys.open(cookie) !== undefined);
});

test("shared keys: servers that know the secret open each other's cookies, others do not", () => {
  const secret = new Uint8Array(32).fill(5);
  let now = 20_000 * DAY;
  const make = (bytes: Uint8Array, aheadMs = 0) =>
    new SharedCookieKeys({ secret: bytes, now: () => now + aheadMs });
  const one = make(secret), other = make(secret), ahead = make(secret, 3_600_000);
  const stranger = make(new Uint8Array(32).fill(6));
  const cookie = one.seal(keysFor(30));
  assertEquals(other.open(cookie), keysFor(30));
  assertEquals(stranger.open(cookie), undefined);
  now += DAY - 1_800_000; // one hour ahead it is tomorrow
  assertEquals(other.open(ahead.seal(keysFor(15))), keysFor(15));
  now += DAY;
  assert(other.open(cookie) !== undefined);
  now += DAY;
  assert(other.open(cookie) !== undefined);
  now += DAY;
  assertEquals(other.open(cookie), undefined);
  assertEquals(make(secret).open(cookie), undefined);
});

test("shared keys: identifiers of any time cost no memory and open nothing", () => {
  const cookieKeys = new SharedCookieKeys({ secret: new Uint8Array(32), now: () => 20_000 * DAY });
  const cookie = cookieKeys.seal(keysFor(15));
  for (let i = 0; i < 300; i++) {
    const forged = cookie.slice();
    forged.set(crypto.getRandomValues(new Uint8Array(4)));
    assertEquals(cookieKeys.open(forged), undefined);
  }
  assertEquals(cookieKeys.open(cookie), keysFor(15));
});

test("keys of cookies: wrong options", () => {
  assertThrows(() => new SharedCookieKeys({ secret: "x" as never }), TypeError, "secret");
  assertThrows(() => new SharedCookieKeys({ secret: new Uint8Array(31) }), RangeError, "31");
  assertThrows(() => new RotatingCookieKeys({ keep: 0 }), RangeError, "keep");
  assertThrows(() => new RotatingCookieKeys({ keep: 65 }), RangeError, "keep");
  assertThrows(() => new RotatingCookieKeys({ rotateSeconds: 0 }), RangeError, "rotateSeconds");
  const saved = [{ id: 1, createdMs: 0, secret: new Uint8Array(16) }];
  assertThrows(() => new RotatingCookieKeys({ saved }), RangeError, "32 bytes");
});

test("a file of keys: made for the owner only, read again, saved at a rotation", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ntps-cookies-"));
  try {
    const path = join(folder, "keys");
    const first = await openCookieKeyFile(path);
    if (process.platform !== "win32") assertEquals((await stat(path)).mode & 0o777, 0o600);
    const cookie = first.seal(keysFor(15));
    assertEquals((await openCookieKeyFile(path)).open(cookie), keysFor(15));
    first.rotate();
    const later = first.seal(keysFor(15));
    for (let i = 0; i < 200 && (await readFile(path, "utf8")).split("\n").length < 4; i++) {
      await new Promise((resolve) => setTimeout(resolve, 10)); // it is saved in the background
    }
    const again = await openCookieKeyFile(path);
    assertEquals([again.size, again.open(cookie), again.open(later)], [
      2,
      keysFor(15),
      keysFor(15),
    ]);
    if (process.platform !== "win32") assertEquals((await stat(path)).mode & 0o777, 0o600);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("a file of keys: what is wrong with it is told, and no key", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ntps-cookies-"));
  try {
    const path = join(folder, "keys");
    const key = encodeHex(new Uint8Array(32).fill(0xab));
    await writeFile(path, `1 0 ${key}\n2 0 ${key.slice(1)}\n`, { mode: 0o600 });
    const bad = await assertRejects(() => openCookieKeyFile(path), NTPError, `${path}:2:`);
    assertEquals([bad.code, bad.message.includes("abab")], ["malformed", false]);
    await writeFile(path, "# nothing\n");
    await assertRejects(() => openCookieKeyFile(path), NTPError, "no key");
    if (process.platform !== "win32") {
      const open = join(folder, "open");
      await writeFile(open, `1 0 ${key}\n`, { mode: 0o644 });
      const error = await assertRejects(() => openCookieKeyFile(open), NTPError, "remove it");
      assertEquals(error.code, "permission");
    }
    const nowhere = join(folder, "no", "keys");
    const missing = await assertRejects(
      () => openCookieKeyFile(nowhere),
      NTPError,
      "no such folder",
    );
    assertEquals(missing.code, "not-found");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("a cookie made before still opens: the format does not change unnoticed", () => {
  const secret = Uint8Array.from({ length: 32 }, (_, i) => i);
  const shared = new SharedCookieKeys({
    secret,
    now: () => 20_000 * DAY,
    random: (b) => void b.fill(9),
  });
  const { aead, c2s, s2c } = keysFor(30);
  const cookie = shared.seal({ aead, c2s, s2c });
  assertEquals(encodeHex(cookie), COOKIE);
  assertEquals(shared.open(decodeHex(COOKIE)), { aead, c2s, s2c });
});

const COOKIE =
  "00004e2038fdf554175449041aeafea13b442b4c203561ecb8e8faf4e6a3fada5f3ffb8e25647bc25f" +
  "b455fa2635ff0d299f1a7fbf0062232e59fc4c146d0a3bb04f464092af0fc9";
