import { test } from "node:test";
import { Buffer } from "node:buffer";
import process from "node:process";
import { inspect } from "node:util";
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { decodeHex, encodeHex } from "@std/encoding/hex";
import { KEY_TYPES, type KeyType, SymmetricKey } from "../../src/auth/symmetric_key.ts";
import { NTPError } from "../../src/packet/error.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function makeKey(type: KeyType, fill = 0x42): SymmetricKey {
  const length = type === "AES256" ? 32 : 16;
  return new SymmetricKey({ id: 7, type, secret: new Uint8Array(length).fill(fill) });
}

const MESSAGE = Uint8Array.from({ length: 48 }, (_, i) => 5 * i);

// FIPS 180-4 and RFC 1321 §A.5; their message is split into secret and message.
test("the digests of key and message, one behind the other", () => {
  const long = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
  const digests: [KeyType, message: string, digest: string][] = [
    ["MD5", "abc", "900150983cd24fb0d6963f7d28e17f72"],
    ["MD5", "message digest", "f96b697d7cb7938d525a2f31aaf161d0"],
    ["SHA1", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"],
    ["SHA1", long, "84983e441c3bd26ebaae4aa1f95129e5e54670f1"],
    ["SHA256", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    ["SHA256", long, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"],
    [
      "SHA384",
      "abc",
      "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed" +
      "8086072ba1e7cc2358baeca134c825a7",
    ],
    [
      "SHA512",
      "abc",
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
      "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    ],
  ];
  for (const [type, text, digest] of digests) {
    for (let split = 1; split <= text.length; split++) {
      const key = new SymmetricKey({ id: 1, type, secret: bytes(text.slice(0, split)) });
      assertEquals(encodeHex(key.sign(bytes(text.slice(split)), 3)), digest, `${type} ${split}`);
      // RFC 7822 §3: version 4 has no room for more than 20 bytes.
      assertEquals(encodeHex(key.sign(bytes(text.slice(split)), 4)), digest.slice(0, 40));
    }
  }
});

test("lengths of digests, in version 4 and before", () => {
  const lengths = KEY_TYPES.map((type) => {
    const key = makeKey(type);
    for (const version of [1, 2, 3, 4]) {
      assertEquals(key.sign(MESSAGE, version).length, key.digestLength(version));
    }
    return [type, key.digestLength(3), key.digestLength(4)];
  });
  assertEquals(lengths, [
    ["MD5", 16, 16],
    ["SHA1", 20, 20],
    ["SHA256", 32, 20],
    ["SHA384", 48, 20],
    ["SHA512", 64, 20],
    ["AES128", 16, 16],
    ["AES256", 16, 16],
  ]);
});

test("a bit flipped in message or digest is noticed, with every type", () => {
  for (const type of KEY_TYPES) {
    const key = makeKey(type);
    const digest = key.sign(MESSAGE, 4);
    assert(key.verify(MESSAGE, digest, 4));
    for (const changed of [MESSAGE, digest]) {
      for (let bit = 0; bit < 8 * changed.length; bit++) {
        changed[bit >> 3]! ^= 1 << (bit & 7);
        assert(!key.verify(MESSAGE, digest, 4), `${type}, bit ${bit} of ${changed.length} bytes`);
        changed[bit >> 3]! ^= 1 << (bit & 7);
      }
    }
    assert(key.verify(MESSAGE, digest, 4));
  }
});

test("take() and answer(): both MACs at once, as verify() and sign() make them, whatever came before", () => {
  for (const type of KEY_TYPES) {
    const key = makeKey(type);
    for (const [n, version] of ([4, 3, 4, 4, 3] as const).entries()) {
      for (
        const [length, answerLength] of [[48, 48], [76, 48], [48, 52], [64, 48], [0, 1]] as const
      ) {
        const request = new Uint8Array(length + 4 + key.digestLength(version)).fill(n);
        request.set(key.sign(request.subarray(0, length), version), length + 4);
        const reply = new Uint8Array(200).fill(0x55);
        const digest = key.sign(reply.subarray(0, answerLength), version);
        for (const flipped of [-1, length + 4, request.length - 1, -1]) {
          if (length === 0 && flipped >= 0) continue;
          const sent = request.slice();
          if (flipped >= 0) sent[flipped]! ^= 1;
          const into = reply.slice();
          assertEquals(key.take(sent, length, sent.length, version), true);
          sent.fill(0); // it was copied
          assertEquals(key.answer(into, answerLength + 4, answerLength), flipped < 0, type);
          const expected = reply.slice();
          if (flipped < 0) expected.set(digest, answerLength + 4);
          assertEquals(into, expected);
        }
        assertEquals(key.take(request, length, length + 4, version), false);
      }
    }
  }
});

test("another secret and another type do not verify", () => {
  for (const type of KEY_TYPES) {
    const digest = makeKey(type).sign(MESSAGE, 4);
    for (const other of KEY_TYPES) {
      assertEquals(makeKey(other).verify(MESSAGE, digest, 4), other === type);
      assert(!makeKey(other, 0x43).verify(MESSAGE, digest, 4));
    }
  }
});

test("a digest that was cut or is too long does not verify", () => {
  for (const type of KEY_TYPES) {
    const key = makeKey(type);
    for (const version of [3, 4]) {
      const digest = key.sign(MESSAGE, version);
      for (let length = 0; length < digest.length; length++) {
        const accepted = version === 3 && length === 20; // as some peers cut it in version 3
        assertEquals(key.verify(MESSAGE, digest.subarray(0, length), version), accepted);
      }
      assert(!key.verify(MESSAGE, Uint8Array.of(...digest, 0), version));
    }
  }
  for (const type of ["SHA256", "SHA384", "SHA512"] as const) {
    assert(!makeKey(type).verify(MESSAGE, makeKey(type).sign(MESSAGE, 3), 4));
  }
});

test("a digest is compared to its end, wherever it differs first", () => {
  const key = makeKey("SHA1");
  const digest = key.sign(MESSAGE, 4);
  for (const at of [-1, 0, 10, 19]) {
    const read: number[] = [];
    const changed = digest.slice();
    if (at >= 0) changed[at]! ^= 1;
    const watched = new Proxy(changed, {
      get(target, name) {
        if (typeof name === "string" && /^\d+$/.test(name)) read.push(Number(name));
        return Reflect.get(target, name, target);
      },
    });
    assertEquals(key.verify(MESSAGE, watched, 4), at < 0);
    assertEquals(read, Array.from({ length: 20 }, (_, i) => i));
  }
});

test("a message of any length, longer ones behind shorter ones", () => {
  for (const type of KEY_TYPES) {
    const used = makeKey(type);
    for (const length of [0, 48, 129, 68, 1000, 48, 65_507]) {
      const message = new Uint8Array(length).fill(length);
      assertEquals(used.sign(message, 4), makeKey(type).sign(message, 4), `${type}, ${length}`);
    }
  }
});

test("what is signed is a plain array of the caller's own", () => {
  for (const type of KEY_TYPES) {
    const key = makeKey(type);
    const first = key.sign(MESSAGE, 4);
    const text = encodeHex(first);
    assertEquals(Object.getPrototypeOf(first), Uint8Array.prototype);
    assertNotEquals(encodeHex(key.sign(MESSAGE.subarray(1), 4)), text);
    assertEquals(encodeHex(first), text, type);
    first.fill(0);
    assertEquals(encodeHex(key.sign(MESSAGE, 4)), text, type);
  }
});

test("the secret is copied, from whatever kind of array of bytes", () => {
  for (const type of KEY_TYPES) {
    const expected = encodeHex(makeKey(type).sign(new Uint8Array(500), 4));
    const secret = Buffer.alloc(type === "AES256" ? 32 : 16, 0x42);
    const key = new SymmetricKey({ id: 7, type, secret });
    secret.fill(0);
    assertEquals(encodeHex(key.sign(new Uint8Array(500), 4)), expected, type);
  }
});

test("the secret is shown nowhere", () => {
  const secrets = ["Tr0ub4dor&3-correct!", "correcthorsebattery!"]; // 20 bytes each
  for (const type of KEY_TYPES) {
    for (const text of secrets) {
      const secret = bytes(text.padEnd(32, text)).slice(
        0,
        type === "AES256" ? 32 : type === "AES128" ? 16 : 20,
      );
      const key = new SymmetricKey({ id: 77, type, secret });
      key.verify(MESSAGE, key.sign(MESSAGE, 4), 4);
      const shown = [
        JSON.stringify(key),
        JSON.stringify({ key }),
        String(key),
        inspect(key, { depth: 9, showHidden: true, getters: true }),
        inspect(new Map([[77, key]]), { depth: 9 }),
        Object.entries(key).join(),
        Reflect.ownKeys(key).map((name) => String(Reflect.get(key, name))).join(),
        JSON.stringify(structuredClone({ ...key })),
      ];
      const { Deno: deno, Bun: bun } = globalThis as {
        Deno?: { inspect(value: unknown, options: object): string };
        Bun?: { inspect(value: unknown, options: object): string };
      };
      if (deno) shown.push(deno.inspect(key, { depth: 9, showHidden: true, getters: true }));
      if (bun) shown.push(bun.inspect(key, { depth: 9 }));
      const forms = [
        text.slice(0, 6),
        encodeHex(secret).slice(0, 8),
        [...secret.subarray(0, 3)].join(),
        [...secret.subarray(0, 3)].join(", "),
        btoa(text).slice(0, 8),
      ];
      for (const one of shown) {
        for (const form of forms) assert(!one.toLowerCase().includes(form.toLowerCase()), one);
      }
      assertEquals(JSON.parse(JSON.stringify(key)), { id: 77, type });
    }
  }
});

test("what a key is made of is checked, and errors tell no secret", () => {
  const secret = bytes("correct horse battery staple");
  const wrong: [Record<string, unknown>, typeof TypeError | typeof RangeError, string][] = [
    [{ id: 0 }, RangeError, "1 to 4294967295, not 0"],
    [{ id: 2 ** 32 }, RangeError, "not 4294967296"],
    [{ id: 1.5 }, RangeError, "not 1.5"],
    [{ id: "7" }, RangeError, "not 7"],
    [{ type: "SHA2" }, TypeError, "not SHA2"],
    [{ type: "toString" }, TypeError, "MD5, SHA1, SHA256, SHA384, SHA512, AES128, AES256"],
    [{ type: undefined }, TypeError, "not undefined"],
    [{ secret: "correct horse battery staple" }, TypeError, "not string"],
    [{ secret: new Uint8Array(0) }, RangeError, "1 to 1024 bytes, not 0"],
    [{ secret: new Uint8Array(1025) }, RangeError, "1 to 1024 bytes, not 1025"],
    [{ type: "AES128" }, RangeError, "AES128 has 16 bytes, not 28"],
    [{ type: "AES256" }, RangeError, "AES256 has 32 bytes, not 28"],
  ];
  for (const [part, kind, message] of wrong) {
    const options = { id: 7, type: "SHA1", secret, ...part } as ConstructorParameters<
      typeof SymmetricKey
    >[0];
    const error = assertThrows(() => new SymmetricKey(options), kind, message);
    assert(!inspect(error).includes("horse"), inspect(error));
  }
  for (const id of [1, 2 ** 32 - 1]) {
    assertEquals(new SymmetricKey({ id, type: "MD5", secret }).id, id);
  }
  assertEquals(
    new SymmetricKey({ id: 1, type: "SHA1", secret: new Uint8Array(1024) }).digestLength(4),
    20,
  );
});

/** Runs `use` while the runtime hands out other built-in modules. */
function withBuiltin(module: unknown, use: () => void): void {
  const found = process.getBuiltinModule;
  process.getBuiltinModule = (() => module) as typeof found;
  try {
    use();
  } finally {
    process.getBuiltinModule = found;
  }
}

test("a runtime without node:crypto says so when a key is made", () => {
  withBuiltin(undefined, () => {
    const error = assertThrows(() => makeKey("SHA1"), NTPError, "node:crypto");
    assertEquals(error.code, "unsupported");
  });
});

test("an algorithm that the runtime lacks is told when a key is made, not by the first packet", () => {
  const refuse = () => {
    throw new Error("error:0308010C:digital envelope routines::unsupported");
  };
  withBuiltin({ hash: refuse, createHash: refuse, createCipheriv: refuse }, () => {
    for (const type of KEY_TYPES) {
      const error = assertThrows(() => makeKey(type), NTPError, type);
      assertEquals(error.code, "unsupported");
    }
  });
});

test("digests are the same where node:crypto has no hash()", () => {
  const builtin = process.getBuiltinModule("node:crypto") as unknown as Record<string, unknown>;
  const { createHash, createCipheriv } = builtin;
  withBuiltin({ createHash, createCipheriv }, () => {
    const without = KEY_TYPES.map((type) => makeKey(type));
    for (const key of without) {
      assertEquals(key.sign(MESSAGE, 3), makeKey(key.type).sign(MESSAGE, 3));
      assertEquals(
        encodeHex(key.sign(MESSAGE, 3)).length,
        2 * key.digestLength(3),
      );
    }
  });
  const sha1 = new SymmetricKey({ id: 1, type: "SHA1", secret: bytes("a") });
  assertEquals(sha1.sign(bytes("bc"), 4), decodeHex("a9993e364706816aba3e25717850c26c9cd0d89d"));
});
