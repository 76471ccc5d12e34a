import { test } from "node:test";
import { readFileSync } from "node:fs";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { NTPPacket, NTPPacketError } from "../../src/packet/mod.ts";
import { FakeWorld } from "./fake_world.ts";

const REPLY = new NTPPacket({
  leapIndicator: 1,
  mode: 4,
  stratum: 1,
  poll: 6,
  precision: -20,
  rootDelay: 0.015625,
  rootDispersion: 1.5,
  referenceId: 0x47505300,
  referenceTimestamp: 0xeeaea940_00000000n,
  receiveTimestamp: 0xeeaea940_40000000n,
  transmitTimestamp: 0xeeaea940_40000001n,
});

function toHex(bytes: Uint8Array, separator = ""): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(separator);
}

const HEX = toHex(REPLY.encode());

const TABLE = `byte  field                 value              meaning
   0  leap indicator        1                  a leap second will be inserted at the end of the UTC day
   0  version               4
   0  mode                  4                  server
   1  stratum               1                  primary: on a reference clock
   2  poll                  6                  64 s
   3  precision             -20                953.7 ns
   4  root delay            0.015625           15.63 ms
   8  root dispersion       1.5                1.500 s
  12  reference identifier  GPS                Global Positioning System
  16  reference timestamp   eeaea940.00000000  2026-11-23T12:00:00.000000000Z
  24  origin timestamp      00000000.00000000  not known
  32  receive timestamp     eeaea940.40000000  2026-11-23T12:00:00.250000000Z
  40  transmit timestamp    eeaea940.40000001  2026-11-23T12:00:00.250000000Z
`;

test("ntps decode: hexadecimal, however it is written", async () => {
  const spellings = [
    [HEX],
    [HEX.toUpperCase()],
    [`0x${HEX}`],
    [toHex(REPLY.encode(), ":")],
    [toHex(REPLY.encode(), " ")],
    toHex(REPLY.encode(), " ").split(" "),
    [`0x${toHex(REPLY.encode(), ", 0x")}`],
    [HEX.replace(/.{32}/g, "$&\r\n")],
  ];
  for (const args of spellings) {
    const { status, stdout, stderr } = await new FakeWorld().run("decode", ...args);
    assertEquals([status, stderr], [0, ""]);
    assertEquals(stdout, TABLE);
  }
});

test("ntps decode: a file of bytes or of hexadecimal, and standard input", async () => {
  for (const path of ["packet.bin", "-", "./abcd"]) {
    for (const content of [REPLY.encode(), `${HEX}\n`, toHex(REPLY.encode(), "\t")]) {
      const world = new FakeWorld();
      world.files.set(path, content);
      const { status, stdout, stderr } = await world.run("decode", path);
      assertEquals([status, stderr], [0, ""]);
      assertEquals(stdout, TABLE);
    }
  }
});

test("ntps decode: extension fields and a MAC, byte by byte", async () => {
  const packet = new NTPPacket({
    precision: 32,
    transmitTimestamp: 1n,
    extensionFields: [
      { type: 0x0104, value: new Uint8Array(32).fill(0xab) },
      { type: 0x0102, value: new Uint8Array(12) },
      { type: 0xf323, value: new Uint8Array(20).fill(1) },
    ],
    mac: { keyId: 7, digest: new Uint8Array(20).fill(0xcd) },
  });
  const { status, stdout } = await new FakeWorld().run("decode", toHex(packet.encode()));
  assertEquals(status, 0);
  const rows = stdout.split("\n").slice(1, -1).map((line) => line.trim().split(/ {2,}/));
  assertEquals(rows.slice(3, 6), [
    ["1", "stratum", "0", "not told"],
    ["2", "poll", "0", "1 s"],
    ["3", "precision", "32", "not told"],
  ]);
  assertEquals(rows.slice(12), [
    [
      "40",
      "transmit timestamp",
      "00000000.00000001",
      "2036-02-07T06:28:16.000000000Z (or random: clients may)",
    ],
    ["48", "extension field", "0x0104", "NTS unique identifier"],
    ["52", "value", "abababab abababab abababab abababab", "32 bytes"],
    ["68", "abababab abababab abababab abababab"],
    ["84", "extension field", "0x0102", "Autokey"],
    ["88", "value", "00000000 00000000 00000000", "12 bytes"],
    ["100", "extension field", "0xf323", "unregistered"],
    ["104", "value", "01010101 01010101 01010101 01010101", "20 bytes"],
    ["120", "01010101"],
    ["124", "MAC: key identifier", "7"],
    ["128", "digest", "cdcdcdcd cdcdcdcd cdcdcdcd cdcdcdcd", "20 bytes"],
    ["144", "cdcdcdcd"],
  ]);
});

test("ntps decode: a kiss-o'-death and a crypto-NAK are called so", async () => {
  const kiss = new NTPPacket({
    leapIndicator: 3,
    mode: 4,
    referenceId: 0x52415445,
    mac: { keyId: 0, digest: new Uint8Array() },
  });
  const { stdout } = await new FakeWorld().run("decode", toHex(kiss.encode()));
  assertMatch(stdout, /\n +1 +stratum +0 +unspecified, or a kiss-o'-death\n/);
  assertMatch(stdout, /\n +12 +reference identifier +RATE +rate exceeded/);
  assertMatch(stdout, /\n +48 +MAC: key identifier +0 +crypto-NAK: authentication failed\n$/);
});

test("ntps decode --json: the fields by name, zero timestamps null", async () => {
  const packet = new NTPPacket({
    ...REPLY,
    extensionFields: [{ type: 0x0204, value: new Uint8Array(28).fill(5) }],
    mac: { keyId: 0xffffffff, digest: new Uint8Array(16).fill(0xcd) },
  });
  const hex = toHex(packet.encode());
  const { status, stdout, stderr } = await new FakeWorld().run("decode", "--json", hex);
  assertEquals([status, stderr], [0, ""]);
  assertEquals(JSON.parse(stdout), {
    leapIndicator: 1,
    leapDescription: "a leap second will be inserted at the end of the UTC day",
    version: 4,
    mode: 4,
    modeDescription: "server",
    stratum: 1,
    poll: 6,
    precision: -20,
    rootDelay: 0.015625,
    rootDispersion: 1.5,
    referenceId: 0x47505300,
    referenceText: "GPS",
    referenceDescription: "Global Positioning System",
    kissCode: null,
    referenceTimestamp: "2026-11-23T12:00:00.000000000Z",
    originTimestamp: null,
    receiveTimestamp: "2026-11-23T12:00:00.250000000Z",
    transmitTimestamp: "2026-11-23T12:00:00.250000000Z",
    extensionFields: [{ type: 0x0204, description: "NTS cookie", value: "05".repeat(28) }],
    mac: { keyId: 0xffffffff, digest: "cd".repeat(16) },
    bytes: hex,
  });
});

test("ntps decode: every captured packet is shown or refused with the decoder's words", async () => {
  const captured: { hex: string }[] = JSON.parse(
    readFileSync(new URL("../data/captured.json", import.meta.url), "utf8"),
  );
  let shown = 0;
  for (const { hex } of captured) {
    const bytes = Uint8Array.from(hex.match(/../g)!, (pair) => parseInt(pair, 16));
    let expected = "";
    try {
      NTPPacket.decode(bytes);
      shown++;
    } catch (error) {
      expected = `ntps decode: ${(error as NTPPacketError).message}\n`;
    }
    const { status, stdout, stderr } = await new FakeWorld().run("decode", hex);
    assertEquals([status, stderr], [expected === "" ? 0 : 1, expected]);
    assertEquals(stdout !== "", expected === "");
    if (expected !== "") assertMatch(expected, / \(at byte \d+\)\n$/);
  }
  assertEquals([shown > 0, shown < captured.length], [true, true]);
});

test("ntps decode: what is no packet is one line that says what is wrong and where", async () => {
  const world = new FakeWorld();
  world.files.set("empty", "");
  world.files.set("text", "No packet at all.\n");
  world.files.set("odd", "240\n");
  const cases: [args: string[], status: number, line: string][] = [
    [["2400"], 1, "The packet ends within the header, which has 48 bytes (at byte 2)"],
    [[`ff${HEX.slice(2)}`], 1, "Version 7 is not one of 1 to 4 (at byte 0)"],
    [[`${HEX}00`], 1, "The bytes behind the header are no multiple of four (at byte 48)"],
    [["empty"], 1, "The packet is empty (at byte 0)"],
    [["text"], 1, '"text" holds text that is not hexadecimal, in pairs of digits'],
    [["odd"], 1, '"odd" holds text that is not hexadecimal, in pairs of digits'],
    [["nosuch"], 1, '"nosuch" is neither hexadecimal, in pairs of digits, nor a file'],
    [["240"], 1, '"240" is neither hexadecimal, in pairs of digits, nor a file'],
    [["2400", "text"], 2, '"2400 text" is not hexadecimal, and only one FILE is read'],
    [[], 2, "HEX…|FILE|- is missing"],
  ];
  for (const [args, status, line] of cases) {
    world.stderr.text = "";
    const done = await world.run("decode", ...args);
    assertEquals([done.status, done.stdout, done.stderr], [status, "", `ntps decode: ${line}\n`]);
  }
});

test("ntps decode: a file that cannot be read", async () => {
  const world = new FakeWorld();
  const fail = (message: string, code: string) => () =>
    Promise.reject(Object.assign(new Error(message), { code }));
  world.readFile = fail("EISDIR: illegal operation", "EISDIR");
  const folder = await world.run("decode", "x");
  assertStringIncludes(folder.stderr, 'ntps decode: cannot read "x": it is a folder\n');
  world.readFile = fail("EACCES: permission denied, open 'x'", "EACCES");
  const denied = await world.run("decode", "x");
  assertStringIncludes(denied.stderr, 'ntps decode: cannot read "x": EACCES: permission denied');
});
