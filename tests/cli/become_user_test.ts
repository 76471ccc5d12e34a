import { test } from "node:test";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { becomeUser, readUser, type UserCalls } from "../../src/cli/become_user.ts";
import { UsageError } from "../../src/cli/usage_error.ts";
import { FakeWorld } from "./fake_world.ts";

const FILES: Record<string, string> = {
  "/etc/passwd":
    "root:x:0:0::/root:/bin/sh\nntpsec:x:101:102::/:/bin/false\nntp:x:103:104::/:/bin/false\n",
  "/etc/group": "root:x:0:\ntime:x:200:ntp\n",
  "/proc/self/status": "Name:\tdeno\nGroups:\t0 27 \n",
};

function readFile(path: string): Promise<Uint8Array> {
  return Promise.resolve(new TextEncoder().encode(FILES[path] ?? ""));
}

/** A process of root's, and what it did. */
function fakeProcess(more: Partial<UserCalls> = {}) {
  let uid = 0, gid = 0;
  const done: string[] = [];
  const calls: UserCalls = {
    getuid: () => uid,
    getgid: () => gid,
    setuid(to) {
      if (uid !== 0) throw new Error("EPERM");
      done.push(`uid ${to}`);
      uid = to;
    },
    setgid(to) {
      done.push(`gid ${to}`);
      gid = to;
    },
    setgroups: (groups) => void done.push(`groups ${groups}`),
    ...more,
  };
  return { calls, done };
}

test("--user: groups first, then the group, then the user", async () => {
  for (
    const [given, order] of [
      ["ntp", ["groups 104", "gid 104", "uid 103"]],
      ["ntp:time", ["groups 200", "gid 200", "uid 103"]],
      ["65534:65533", ["groups 65533", "gid 65533", "uid 65534"]],
    ] as const
  ) {
    const { calls, done } = fakeProcess();
    await becomeUser(readUser(given, "--user"), readFile, calls);
    assertEquals(done, [...order]);
  }
});

test("--user: what does not give root's rights up wholly is an error", async () => {
  const fail = async (given: string, text: string, more: Partial<UserCalls> = {}) => {
    const { calls } = fakeProcess(more);
    await assertRejects(() => becomeUser(readUser(given, "--user"), readFile, calls), Error, text);
  };
  await fail("nobody-knows", "has no nobody-knows");
  await fail("root", "names root");
  await fail("ntp:root", "names root");
  await fail("0:0", "names root");
  await fail("ntp", "is for root", { getuid: () => 1000 });
  await fail("ntp", "could not be given up", { setuid: () => {} });
  await fail("ntp", "could not be given up", { getgid: () => 0 });
  // As on Deno, which knows nothing of groups.
  await fail("ntp", "cannot leave the groups 0, 27", { setgroups: undefined });
});

test("--user: names that are none", () => {
  for (const given of ["", "a:b:c", "a b", "-:", "1000"]) {
    assertThrows(() => readUser(given, "--user"), UsageError, "--user");
  }
});

test("ntps serve --user: once all is bound; what fails ends it", async () => {
  const became: string[] = [];
  const world = Object.assign(new FakeWorld(), {
    becomeUser: ({ user }: { user: string }) => {
      became.push(user);
      return user === "ntp" ? Promise.resolve() : Promise.reject(new Error("--user: no such"));
    },
  });
  const ended = world.start("serve", "--address", "192.0.2.1", "--user", "ntp");
  await world.time.run(100);
  assertEquals(became, ["ntp"]);
  world.signal("SIGTERM");
  assertEquals(await world.time.runUntil(ended), 0);
  const { status, stderr } = await world.run("serve", "--address", "192.0.2.1", "--user", "nope");
  assertEquals([status, stderr], [1, "ntps serve: --user: no such\n"]);
  const both = await new FakeWorld().run("serve", "--user", "ntp", "--workers", "2");
  assertEquals(both.status, 2);
});
