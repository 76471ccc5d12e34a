// Holds whatever `@std/*` means in this run, the real modules from JSR or the stand-ins of tools/std,
// to one behaviour: what the tests and the CLI rely on.
import { test } from "node:test";
import {
  assert,
  assertAlmostEquals,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertIsError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertNotMatch,
  assertNotStrictEquals,
  assertObjectMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  fail,
} from "@std/assert";
import { parseArgs } from "@std/cli/parse-args";
import { decodeBase64, encodeBase64 } from "@std/encoding/base64";
import { decodeHex, encodeHex } from "@std/encoding/hex";

/** Says whether the assertion let it pass; any error but AssertionError is a fault of its own. */
function passes(assertion: () => unknown): boolean {
  try {
    assertion();
    return true;
  } catch (error) {
    if (error instanceof AssertionError) return false;
    throw error;
  }
}

async function resolves(assertion: () => Promise<unknown>): Promise<boolean> {
  try {
    await assertion();
    return true;
  } catch (error) {
    if (error instanceof AssertionError) return false;
    throw error;
  }
}

function expectPass(...assertions: (() => unknown)[]): void {
  for (const one of assertions) if (!passes(one)) throw new Error(`failed: ${one}`);
}

function expectFail(...assertions: (() => unknown)[]): void {
  for (const one of assertions) if (passes(one)) throw new Error(`passed: ${one}`);
}

class Point {
  x: number;
  #hidden = 0;
  constructor(x: number) {
    this.x = x;
  }
  get hidden(): number {
    return this.#hidden;
  }
}

class Other {
  x: number;
  constructor(x: number) {
    this.x = x;
  }
}

test("std contract: assert, assertFalse and fail", () => {
  expectPass(() => assert(1), () => assert("0"), () => assertFalse(0), () => assertFalse(""));
  expectFail(() => assert(0), () => assert(null), () => assertFalse({}), () => fail());
  const error = assertThrows(() => fail("because"), AssertionError);
  assertStringIncludes(error.message, "because");
  assertEquals(error.name, "AssertionError");
});

test("std contract: assertEquals compares primitives", () => {
  expectPass(
    () => assertEquals(1, 1),
    () => assertEquals(NaN, NaN),
    () => assertEquals(0, -0),
    () => assertEquals(10n, 10n),
    () => assertEquals(undefined, undefined),
  );
  expectFail(
    () => assertEquals(1, 2),
    () => assertEquals<unknown>(1, "1"),
    () => assertEquals<unknown>(1, 1n),
    () => assertEquals<unknown>(null, undefined),
    () => assertEquals<unknown>({}, null),
  );
});

test("std contract: assertEquals compares objects by their own enumerable properties", () => {
  expectPass(
    () => assertEquals({ a: { b: [1, 2] } }, { a: { b: [1, 2] } }),
    () => assertEquals({ a: 1, b: 2 }, { b: 2, a: 1 }),
    () => assertEquals<unknown>(Object.create(null), {}),
    () => assertEquals(new Point(1), new Point(1)),
    () => assertEquals({ z: -0 }, { z: 0 }),
  );
  expectFail(
    () => assertEquals<unknown>({ a: 1 }, { a: 1, b: 2 }),
    () => assertEquals<unknown>({ a: undefined }, {}),
    () => assertEquals<unknown>({ a: undefined }, { b: undefined }),
    () => assertEquals(new Point(1), new Point(2)),
    () => assertEquals<unknown>(new Point(1), new Other(1)),
    () => assertEquals([1, 2], [2, 1]),
    () => assertEquals<unknown>([], {}),
  );
});

test("std contract: assertEquals compares bytes, dates, expressions, sets and maps", () => {
  expectPass(
    () => assertEquals(new Uint8Array([1, 2]), new Uint8Array([1, 2])),
    () => assertEquals(new Date(5), new Date(5)),
    () => assertEquals(new Date(NaN), new Date(NaN)),
    () => assertEquals(/a/g, /a/g),
    () => assertEquals(new Set([1, 2]), new Set([2, 1])),
    () => assertEquals(new Map([["a", { b: 1 }]]), new Map([["a", { b: 1 }]])),
    () => assertEquals(new URL("a:b"), new URL("a:b")),
  );
  expectFail(
    () => assertEquals(new Uint8Array([1, 2]), new Uint8Array([1, 3])),
    () => assertEquals(new Uint8Array([1, 2]), new Uint8Array([1])),
    () => assertEquals<unknown>(new Uint8Array([1]), new Int8Array([1])),
    () => assertEquals<unknown>(new Uint8Array([1]), [1]),
    () => assertEquals(new Date(5), new Date(6)),
    () => assertEquals(/a/g, /a/i),
    () => assertEquals(new Set([1, 2]), new Set([1, 3])),
    () => assertEquals(new Map([["a", { b: 1 }]]), new Map([["a", { b: 2 }]])),
  );
});

test("std contract: assertEquals follows cycles", () => {
  const cycle = (value: number): unknown => {
    const object: Record<string, unknown> = { value };
    object.self = object;
    return object;
  };
  expectPass(() => assertEquals(cycle(1), cycle(1)));
  expectFail(() => assertEquals(cycle(1), cycle(2)));
});

test("std contract: assertEquals says what differs, and the caller's message", () => {
  const error = assertThrows(() => assertEquals([1, 2], [1, 3], "the list"), AssertionError);
  assertStringIncludes(error.message, "Values are not equal: the list");
  assertMatch(error.message, /2/);
  assertMatch(error.message, /3/);
});

test("std contract: assertNotEquals", () => {
  expectPass(() => assertNotEquals({ a: 1 }, { a: 2 }), () => assertNotEquals(1, 2));
  expectFail(() => assertNotEquals({ a: 1 }, { a: 1 }), () => assertNotEquals(NaN, NaN));
});

test("std contract: assertStrictEquals and assertNotStrictEquals", () => {
  const object = {};
  expectPass(
    () => assertStrictEquals(object, object),
    () => assertStrictEquals(NaN, NaN),
    () => assertNotStrictEquals({}, {}),
    () => assertNotStrictEquals(0, -0),
  );
  expectFail(
    () => assertStrictEquals({}, {}),
    () => assertStrictEquals(0, -0),
    () => assertNotStrictEquals(object, object),
  );
});

test("std contract: assertAlmostEquals", () => {
  expectPass(
    () => assertAlmostEquals(0.1 + 0.2, 0.3),
    () => assertAlmostEquals(0.1 + 0.2, 0.3, 1e-16),
    () => assertAlmostEquals(1.01, 1, 0.1),
    () => assertAlmostEquals(Infinity, Infinity),
    () => assertAlmostEquals(NaN, NaN),
  );
  expectFail(
    () => assertAlmostEquals(0.01, 0.02),
    () => assertAlmostEquals(0.1 + 0.2, 0.3, 1e-17),
    () => assertAlmostEquals(1e-8, 0),
    () => assertAlmostEquals(NaN, 1),
  );
});

test("std contract: assertThrows returns what was thrown", () => {
  const thrown = new RangeError("port 70000 is out of range");
  const toss = () => {
    throw thrown;
  };
  assertStrictEquals<unknown>(assertThrows(toss), thrown);
  assertStrictEquals<unknown>(assertThrows(toss, RangeError), thrown);
  assertStrictEquals<unknown>(assertThrows(toss, Error, "70000"), thrown);
  assertStrictEquals<unknown>(assertThrows(toss, "message"), thrown);
  expectFail(
    () => assertThrows(toss, TypeError),
    () => assertThrows(toss, RangeError, "70001"),
    () => assertThrows(() => 1),
    () => assertThrows(() => Promise.resolve()),
    () =>
      assertThrows(() => {
        throw "text";
      }, Error),
  );
});

test("std contract: assertRejects resolves to the reason", async () => {
  const reason = new TypeError("no such thing");
  const reject = () => Promise.reject(reason);
  assertStrictEquals<unknown>(await assertRejects(reject), reason);
  assertStrictEquals<unknown>(await assertRejects(reject, TypeError, "such"), reason);
  assertFalse(await resolves(() => assertRejects(reject, RangeError)));
  assertFalse(await resolves(() => assertRejects(reject, TypeError, "other")));
  assertFalse(await resolves(() => assertRejects(() => Promise.resolve(1))));
  assertFalse(
    await resolves(() =>
      assertRejects(() => {
        throw reason;
      })
    ),
  );
});

test("std contract: assertIsError", () => {
  expectPass(
    () => assertIsError(new TypeError("abc")),
    () => assertIsError(new TypeError("abc"), TypeError, "b"),
    () => assertIsError(new TypeError("abc"), Error, /^a.c$/),
  );
  expectFail(
    () => assertIsError("abc"),
    () => assertIsError(new TypeError("abc"), RangeError),
    () => assertIsError(new TypeError("abc"), TypeError, "d"),
  );
});

test("std contract: assertions on text", () => {
  expectPass(
    () => assertMatch("abc", /b/),
    () => assertNotMatch("abc", /d/),
    () => assertStringIncludes("abc", "bc"),
  );
  expectFail(
    () => assertMatch("abc", /d/),
    () => assertNotMatch("abc", /b/),
    () => assertStringIncludes("abc", "cb"),
  );
});

test("std contract: assertions on parts", () => {
  expectPass(
    () => assertArrayIncludes([1, { a: 2 }, 3], [{ a: 2 }, 1]),
    () => assertObjectMatch({ a: 1, b: { c: 2, d: 3 } }, { b: { c: 2 } }),
    () => assertInstanceOf(new Date(), Date),
    () => assertExists(0),
    () => assertExists(""),
  );
  expectFail(
    () => assertArrayIncludes([1, 2], [3]),
    () => assertObjectMatch({ a: 1 }, { a: 2 }),
    () => assertObjectMatch({ a: 1 }, { b: 1 }),
    () => assertInstanceOf({}, Date),
    () => assertExists(null),
    () => assertExists(undefined),
  );
});

test("std contract: assertions on order", () => {
  expectPass(
    () => assertGreater(2, 1),
    () => assertGreaterOrEqual(2n, 2n),
    () => assertLess(1, 2),
    () => assertLessOrEqual(1, 1),
  );
  expectFail(
    () => assertGreater(1, 1),
    () => assertGreaterOrEqual(1, 2),
    () => assertLess(1, 1),
    () => assertLessOrEqual(2, 1),
    () => assertGreater(NaN, 1),
  );
});

test("std contract: hex", () => {
  const bytes = new Uint8Array([0, 10, 171, 255]);
  assertEquals(encodeHex(bytes), "000aabff");
  assertEquals(encodeHex(bytes.subarray(1, 3)), "0aab");
  assertEquals(encodeHex(bytes.buffer), "000aabff");
  assertEquals(encodeHex("é"), "c3a9");
  assertEquals(encodeHex(""), "");
  assertEquals(decodeHex("000AabFF"), bytes);
  assertEquals(decodeHex(""), new Uint8Array());
  assertThrows(() => decodeHex("abc"), RangeError);
  for (const bad of ["0g", "g", "a b ", "0x00", " 00", "é0", "G0", "@0", "/0", ":0", "`0"]) {
    assertThrows(() => decodeHex(bad), TypeError);
  }
});

test("std contract: base64", () => {
  const bytes = new Uint8Array(256).map((_, index) => index);
  assertEquals(decodeBase64(encodeBase64(bytes)), bytes);
  assertEquals(encodeBase64(""), "");
  assertEquals(encodeBase64("f"), "Zg==");
  assertEquals(encodeBase64("fo"), "Zm8=");
  assertEquals(encodeBase64("foo"), "Zm9v");
  assertEquals(encodeBase64(bytes.subarray(251)), "+/z9/v8=");
  assertEquals(encodeBase64(new Uint8Array([255, 254]).buffer), "//4=");
  assertEquals(decodeBase64("Zm8="), new Uint8Array([102, 111]));
  assertThrows(() => decodeBase64("Z"));
  assertThrows(() => decodeBase64("Zm9*"));
});

/** parseArgs with its result as plain data, for comparison. */
function parsed(args: string[], options: Parameters<typeof parseArgs>[1] = {}): unknown {
  return { ...parseArgs(args, options) };
}

test("std contract: parseArgs without options", () => {
  assertEquals(parsed([]), { _: [] });
  assertEquals(parsed(["a", "12", "-", "0x1f", "1e3", "1.5.2"]), {
    _: ["a", 12, "-", 31, 1000, "1.5.2"],
  });
  assertEquals(parsed(["--a", "--b=c", "--d", "e", "f"]), { a: true, b: "c", d: "e", _: ["f"] });
  assertEquals(parsed(["--n", "5", "--m=-6", "--k", "-7"]), {
    n: 5,
    m: -6,
    k: true,
    7: true,
    _: [],
  });
  assertEquals(parsed(["--no-color"]), { "no-color": true, _: [] });
  assertEquals(parsed(["--flag", "true", "--other", "false"]), {
    flag: "true",
    other: "false",
    _: [],
  });
  assertEquals(parsed(["--a=b=c", "--url", "http://x/?a=b"]), {
    a: "b=c",
    url: "http://x/?a=b",
    _: [],
  });
  assertEquals(parsed(["--a", "1", "--a", "2"]), { a: 2, _: [] });
});

test("std contract: parseArgs reads short options", () => {
  assertEquals(parsed(["-a", "-bc", "-d", "e"]), { a: true, b: true, c: true, d: "e", _: [] });
  assertEquals(parsed(["-n5", "-m=x", "-k", "7"]), { n: 5, m: "x", k: 7, _: [] });
  assertEquals(parsed(["-p", "-"]), { p: "-", _: [] });
  assertEquals(parsed(["-a/b"]), { a: "/b", _: [] });
});

test("std contract: parseArgs with string", () => {
  const options = { string: ["port", "h"] };
  assertEquals(parsed(["--port", "123", "-h", "0x1"], options), { port: "123", h: "0x1", _: [] });
  assertEquals(parsed(["--port=0123"], options), { port: "0123", _: [] });
  assertEquals(parsed(["--port"], options), { port: "", _: [] });
  assertEquals(parsed(["--port", "-h"], options), { port: "", h: "", _: [] });
  assertEquals(parsed([], options), { _: [] });
  assertEquals(parsed(["12", "0x1"], { string: "_" }), { _: ["12", "0x1"] });
});

test("std contract: parseArgs with boolean", () => {
  const options = { boolean: ["json", "v"] };
  assertEquals(parsed([], options), { json: false, v: false, _: [] });
  assertEquals(parsed(["--json", "host"], options), { json: true, v: false, _: ["host"] });
  assertEquals(parsed(["--json=false", "-v"], options), { json: false, v: true, _: [] });
  assertEquals(parsed(["--json", "false", "-v", "true"], options), { json: false, v: true, _: [] });
  assertEquals(parsed(["-v", "host"], options), { json: false, v: true, _: ["host"] });
  assertEquals(parsed(["--x", "a", "--y=b", "-z", "c"], { boolean: true }), {
    x: true,
    y: "b",
    z: "c",
    _: ["a"],
  });
});

test("std contract: parseArgs with alias", () => {
  const options = { alias: { help: "h", port: ["p", "P"] }, boolean: ["help"], string: ["port"] };
  assertEquals(parsed(["-h", "-p", "1"], options), {
    h: true,
    help: true,
    p: "1",
    P: "1",
    port: "1",
    _: [],
  });
  assertEquals(parsed(["-P", "2"], options), {
    h: false,
    help: false,
    p: "2",
    P: "2",
    port: "2",
    _: [],
  });
  assertEquals(parsed(["-h", "x"], options), { h: true, help: true, _: ["x"] });
});

test("std contract: parseArgs with default", () => {
  const options = { default: { port: 123, json: true }, boolean: ["json"], alias: { port: "p" } };
  assertEquals(parsed([], options), { port: 123, p: 123, json: true, _: [] });
  assertEquals(parsed(["-p", "5", "--json=false"], options), { port: 5, p: 5, json: false, _: [] });
});

test("std contract: parseArgs with collect", () => {
  const options = { collect: ["h", "k"], string: ["h"], alias: { h: "host" } };
  assertEquals(parsed(["-h", "a", "--host", "1"], options), {
    h: ["a", "1"],
    host: ["a", "1"],
    _: [],
  });
  assertEquals(parsed([], options), { h: [], host: [], _: [] });
  assertEquals(parsed(["--k", "1", "--k", "2"], options), { h: [], host: [], k: [1, 2], _: [] });
  assertEquals(parsed(["-v", "-v"], { collect: "v", boolean: "v" }), { v: [true, true], _: [] });
  assertEquals(parsed([], { collect: "v", boolean: "v" }), { v: [], _: [] });
});

test("std contract: parseArgs with negatable", () => {
  const options = { boolean: ["color"], negatable: ["color"], default: { color: true } };
  assertEquals(parsed([], options), { color: true, _: [] });
  assertEquals(parsed(["--no-color"], options), { color: false, _: [] });
  assertEquals(parsed(["--color", "x"], options), { color: true, _: ["x"] });
  assertEquals(parsed(["--no-log", "x"], { string: ["log"], negatable: ["log"] }), {
    log: false,
    _: ["x"],
  });
});

test("std contract: parseArgs with stopEarly and --", () => {
  assertEquals(parsed(["--a", "--", "--b", "1"]), { a: true, _: ["--b", "1"] });
  assertEquals(parsed(["x", "--", "--b", "1"], { "--": true }), { _: ["x"], "--": ["--b", "1"] });
  assertEquals(parsed(["x"], { "--": true }), { _: ["x"], "--": [] });
  assertEquals(parsed(["--a=1", "serve", "--b", "2"], { stopEarly: true }), {
    a: 1,
    _: ["serve", "--b", "2"],
  });
});

test("std contract: parseArgs tells what is unknown", () => {
  const calls: unknown[][] = [];
  const result = parsed(["--a", "1", "--b=c", "-d", "host", "--ok", "x", "--", "rest"], {
    string: ["ok"],
    unknown: (arg, key, value) => {
      calls.push(key === undefined ? [arg] : [arg, key, value]);
      return key === "b";
    },
  });
  assertEquals(calls, [
    ["--a", "a", "1"],
    ["--b=c", "b", "c"],
    ["-d", "d", "host"],
  ]);
  assertEquals(result, { b: "c", ok: "x", _: ["rest"] });
  assertEquals(parsed(["host"], { unknown: () => false }), { _: [] });
});
