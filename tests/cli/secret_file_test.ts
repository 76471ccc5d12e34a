import { test } from "node:test";
import { chmod, lstat, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { assertEquals, assertRejects } from "@std/assert";
import { writeSecretFile } from "../../src/cli/secret_file.ts";

const isWindows = process.platform === "win32";

/** Calls `use` with a folder that goes away afterwards. */
async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "ntps-secret-"));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function modeOf(path: string): Promise<number> {
  return (await lstat(path)).mode & 0o777;
}

async function refusal(path: string, overwrite: boolean): Promise<string> {
  const attempt = () => writeSecretFile(path, "new\n", { overwrite });
  return (await assertRejects(attempt, Error)).message;
}

test("secret file: nobody but the owner may read it, whatever the umask", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "keys");
    const before = process.umask(0);
    try {
      await writeSecretFile(path, "secret\n", { overwrite: false });
    } finally {
      process.umask(before);
    }
    assertEquals(await readFile(path, "utf8"), "secret\n");
    if (!isWindows) assertEquals(await modeOf(path), 0o600);
  });
});

test("secret file: one that is there stays unless it shall be overwritten", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "keys");
    await writeFile(path, "old\n");
    const why = "it exists; --force replaces it, and the keys in it are lost";
    assertEquals(await refusal(path, false), `cannot write ${path}: ${why}`);
    assertEquals(await readFile(path, "utf8"), "old\n");
  });
});

test("secret file: one that others could read is replaced by one that they cannot", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "keys");
    await writeFile(path, "old\n");
    await chmod(path, 0o644);
    await writeSecretFile(path, "new\n", { overwrite: true });
    assertEquals(await readFile(path, "utf8"), "new\n");
    if (!isWindows) assertEquals(await modeOf(path), 0o600);
    assertEquals(await readdir(folder), ["keys"]); // and nothing is left over
  });
});

test("secret file: overwriting where there is none", async () => {
  await inFolder(async (folder) => {
    await writeSecretFile(join(folder, "keys"), "new\n", { overwrite: true });
    assertEquals(await readdir(folder), ["keys"]);
  });
});

test("secret file: nothing but a file is written or replaced", { skip: isWindows }, async () => {
  await inFolder(async (folder) => {
    const link = join(folder, "link"), target = join(folder, "target");
    await symlink(target, link);
    for (const path of [folder, link, "/dev/null"]) {
      for (const overwrite of [false, true]) {
        assertEquals(await refusal(path, overwrite), `cannot write ${path}: it is no regular file`);
      }
    }
    assertEquals(await readdir(folder), ["link"]);
  });
});

test("secret file: a folder that is not there", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "no", "keys");
    for (const overwrite of [false, true]) {
      assertEquals(
        await refusal(path, overwrite),
        `cannot write ${path}: there is no such folder`,
      );
    }
  });
});
