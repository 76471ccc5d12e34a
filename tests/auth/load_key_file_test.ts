import { test } from "node:test";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { loadKeyFile } from "../../src/auth/load_key_file.ts";
import { NTPError } from "../../src/packet/error.ts";

const isWindows = process.platform === "win32";

/** Calls `use` with the path of a file that goes away afterwards. */
async function withFile(
  content: string | Uint8Array,
  mode: number,
  use: (path: string) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "ntps keys-"));
  try {
    const path = join(folder, "keys");
    await writeFile(path, content);
    await chmod(path, mode);
    await use(path);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("a key file is read by path and by URL, without a warning if it is the owner's only", async () => {
  await withFile("1 MD5 a\n2 SHA1 b\n", 0o600, async (path) => {
    for (const place of [path, pathToFileURL(path)]) { // with a blank in it
      const warnings: string[] = [];
      const keys = await loadKeyFile(place, { onWarning: (message) => warnings.push(message) });
      assertEquals([...keys].map(({ id }) => id), [1, 2]);
      assertEquals(warnings, []);
    }
  });
});

test("a key file that others may use is warned of, with the remedy", async () => {
  for (const [mode, shown] of [[0o644, "644"], [0o640, "640"], [0o604, "604"], [0o620, "620"]]) {
    await withFile("1 MD5 a-secret\n", mode as number, async (path) => {
      for (const place of [path, pathToFileURL(path)]) {
        const warnings: string[] = [];
        const keys = await loadKeyFile(place, { onWarning: (message) => warnings.push(message) });
        assertEquals(keys.size, 1);
        assertEquals(warnings.length, isWindows ? 0 : 1);
        if (isWindows) continue;
        assertStringIncludes(warnings[0]!, `(mode ${shown}): chmod 600 ${path}`);
        assert(!warnings[0]!.includes("a-secret"));
      }
    });
  }
});

test("the format is passed on", async () => {
  await withFile("1 key-of-chrony\n", 0o600, async (path) => {
    assertEquals((await loadKeyFile(path, { format: "chrony" })).size, 1);
    await assertRejects(() => loadKeyFile(path, { format: "ntpd" }), NTPError, "not a type");
  });
});

test("a bad line is told with the path", async () => {
  await withFile("1 MD5 a\n2 SHA1\n", 0o600, async (path) => {
    const error = await assertRejects(() => loadKeyFile(path), NTPError);
    assertEquals(error.code, "malformed");
    assert(error.message.startsWith(`${path}:2:7: `), error.message);
  });
});

test("a file that is no text", async () => {
  const notText = [Uint8Array.of(0xff, 0xfe, 0x31, 0), Uint8Array.of(0x31, 0x20, 0xe9)];
  for (const content of notText) {
    await withFile(content, 0o600, async (path) => {
      const error = await assertRejects(() => loadKeyFile(path), NTPError, "UTF-8");
      assertEquals(error.code, "malformed");
      assertStringIncludes(error.message, path);
    });
  }
});

test("a key file that is not there, and a folder in its place", async () => {
  const missing = await assertRejects(
    () => loadKeyFile("/no/such/keys"),
    NTPError,
    "/no/such/keys",
  );
  assertEquals(missing.code, "not-found");
  const folder = await assertRejects(() => loadKeyFile(tmpdir()), NTPError, tmpdir());
  assertEquals(folder.code, "system");
});
