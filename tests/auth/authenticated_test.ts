import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { decodeHex, encodeHex } from "@std/encoding/hex";
import { parseKeyFile } from "../../src/auth/key_file.ts";
import { NTPPacket } from "../../src/packet/packet.ts";

/** A packet that a daemon or tool signed, and the line of its key file. */
interface Authenticated {
  source: string;
  key: string;
  hex: string;
}

const file = new URL("../data/authenticated.json", import.meta.url);
const authenticated = JSON.parse(readFileSync(file, "utf8")) as Authenticated[];

authenticated.forEach(({ source, key: line, hex }, i) => {
  const bytes = decodeHex(hex);
  const { version, mac } = NTPPacket.decode(bytes);
  test(`authenticated: ${i} of ${source}, version ${version}, key ${line}`, () => {
    const isChrony = source.startsWith("chronyd");
    const [key] = parseKeyFile(line, { format: isChrony ? "chrony" : "ntpd" });
    assert(key && mac);
    assertEquals(mac.keyId, key.id);
    const message = bytes.subarray(0, 48);
    assertEquals(encodeHex(mac.digest), encodeHex(key.sign(message, version)));
    assert(key.verify(message, mac.digest, version));
    mac.digest[0]! ^= 1;
    assert(!key.verify(message, mac.digest, version));
    // The same line is read in the same way where both formats are expected.
    const [either] = parseKeyFile(line);
    assertEquals(either!.sign(message, version), key.sign(message, version));
  });
});

test("authenticated: every type that a peer has, in both directions", () => {
  const types = (peer: string) =>
    new Set(
      authenticated.filter(({ source }) => source.startsWith(peer)).flatMap(({ key }) =>
        [...parseKeyFile(key)].map(({ type }) => type)
      ),
    ).size;
  assertEquals(types("chronyd 4.6.1, client"), 7);
  assertEquals(types("chronyd 4.6.1, server"), 7);
  assertEquals(types("ntpd 4.2.8p15, server"), 6); // it has no AES256
  assertEquals(types("sntp 4.2.8p15"), 5); // nor has it AES128
  assertEquals(types("ntpd of NTPsec 1.2.3, server"), 7);
  assertEquals(types("ntpdig 1.2.3"), 7);
});
