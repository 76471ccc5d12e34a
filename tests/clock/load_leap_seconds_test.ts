import { test } from "node:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { LeapSeconds } from "../../src/clock/leap_seconds.ts";
import { loadLeapSeconds, verifyLeapSecondsHash } from "../../src/clock/load_leap_seconds.ts";
import { NTPError } from "../../src/packet/error.ts";
import { LEAP_SECONDS_LIST } from "./leap_seconds_list.ts";

/** Calls `use` with the path of a file that holds `text` and goes away afterwards. */
async function withFile(text: string, use: (path: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "ntps-leap-"));
  try {
    const path = join(folder, "leap-seconds.list");
    await writeFile(path, text);
    await use(path);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("a file is read by path and by URL", async () => {
  await withFile(LEAP_SECONDS_LIST, async (path) => {
    for (const place of [path, pathToFileURL(path)]) {
      const table = await loadLeapSeconds(place);
      assertEquals(table.entries, LeapSeconds.builtIn.entries);
    }
  });
});

test("the published hash is right, and any change of a digit is noticed", async () => {
  assertEquals(await verifyLeapSecondsHash(LEAP_SECONDS_LIST), true);
  assertEquals(await verifyLeapSecondsHash(LEAP_SECONDS_LIST.replace(/^#h.*/m, "#hash")), false);
  assertEquals(await verifyLeapSecondsHash(LEAP_SECONDS_LIST.replaceAll("\n", "\r\n")), true);
  for (
    const [from, to] of [["3692217600 37", "3692217600 38"], ["#@\t4", "#@\t5"], ["#$\t3", "#$\t4"]]
  ) {
    await assertRejects(
      () => verifyLeapSecondsHash(LEAP_SECONDS_LIST.replace(from!, to!)),
      NTPError,
      "its SHA-1 is not the one",
    );
  }
  for (const hash of ["#h a9bad145", "#h a9bad145 84c31c70 758402aa b37bfd54 xyz"]) {
    const error = await assertRejects(
      () => verifyLeapSecondsHash(LEAP_SECONDS_LIST.replace(/^#h.*/m, hash)),
      NTPError,
    );
    assertEquals(error.code, "malformed");
  }
});

test("words of the hash may lack leading zeros and be in capitals", async () => {
  // The SHA-1 of these digits has words that begin with 0.
  const text = "#@ 4023129679\n3692217600 37\n#h 8E64FD2 3E9DF3A7 EFC2BC34 F89D05E2 58F394\n";
  assertEquals(await verifyLeapSecondsHash(text), true);
});

test("a file that is not there", async () => {
  const error = await assertRejects(() => loadLeapSeconds("/no/such/file"), NTPError);
  assertEquals(error.code, "not-found");
  assertStringIncludes(error.message, "/no/such/file");
});

test("a folder in place of a file", async () => {
  const error = await assertRejects(() => loadLeapSeconds(tmpdir()), NTPError);
  assertEquals(error.code, "system");
  assertStringIncludes(error.message, tmpdir());
});

test("a damaged file is named, with the line or the hash", async () => {
  for (
    const [text, message] of [
      [LEAP_SECONDS_LIST.replace("3692217600 37", "3692217600 3?"), "line 32: expected"],
      [LEAP_SECONDS_LIST.replace("#@\t4023129600", "#@\t4023129601"), "SHA-1"],
      ["", "no line with a leap second"],
    ] as const
  ) {
    await withFile(text, async (path) => {
      const error = await assertRejects(() => loadLeapSeconds(path), NTPError, message);
      assertEquals(error.code, "malformed");
      assertStringIncludes(error.message, path);
    });
  }
});
