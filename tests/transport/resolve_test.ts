import { test } from "node:test";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { NTPError } from "../../src/packet/error.ts";
import { resolveHost, type ResolveOptions } from "../../src/transport/resolve.ts";

const both = (): Promise<string[]> =>
  Promise.resolve(["2001:db8::1", "192.0.2.1", "192.0.2.1", "2001:db8::2", "192.0.2.2"]);

async function failure(hostname: string, options: ResolveOptions): Promise<NTPError> {
  return await assertRejects(() => resolveHost(hostname, options), NTPError);
}

test("resolveHost: order is kept, duplicates are not", async () => {
  const all = await resolveHost("ntp.example", { lookup: both });
  assertEquals(all, ["2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2"]);
});

test("resolveHost: one family", async () => {
  assertEquals(
    await resolveHost("ntp.example", { lookup: both, family: 4 }),
    ["192.0.2.1", "192.0.2.2"],
  );
  assertEquals(
    await resolveHost("ntp.example", { lookup: both, family: 6 }),
    ["2001:db8::1", "2001:db8::2"],
  );
});

test("resolveHost: an address asks nobody", async () => {
  const lookup = () => Promise.reject(new Error("asked"));
  for (const address of ["192.0.2.1", "::1", "2001:db8::1", "fe80::1%eth0"]) {
    assertEquals(await resolveHost(address, { lookup }), [address]);
  }
  assertEquals(await resolveHost("192.0.2.1", { lookup, family: 4 }), ["192.0.2.1"]);
  const error = await failure("192.0.2.1", { lookup, family: 6 });
  assertEquals(error.code, "not-found");
  assertStringIncludes(error.message, "192.0.2.1");
  assertStringIncludes(error.message, "IPv6");
});

test("resolveHost: localhost, from the system", async () => {
  assertEquals(await resolveHost("localhost", { family: 4 }), ["127.0.0.1"]);
  const all = await resolveHost("localhost");
  assert(all.includes("127.0.0.1"), `${all}`);
  assertEquals(new Set(all).size, all.length);
});

test("resolveHost: what the system cannot resolve", async () => {
  const error = await failure("x".repeat(300), {}); // longer than DNS allows: never sent
  assertEquals(error.code, "not-found");
});

test("resolveHost: not found", async () => {
  const cases: [ResolveOptions["lookup"], string, ResolveOptions?][] = [
    [() => Promise.resolve([]), "no address"],
    [() => Promise.resolve(["192.0.2.1"]), "no IPv6 address", { family: 6 }],
    [() => Promise.reject(Object.assign(new Error(), { code: "ENOTFOUND" })), "spelling"],
    [() => Promise.reject(Object.assign(new Error(), { code: "EAI_AGAIN" })), "network"],
    [() => Promise.reject("a string"), "spelling"],
    [() => Promise.reject(undefined), "spelling"],
    [() => {
      throw new Error("at once");
    }, "spelling"],
  ];
  for (const [lookup, text, options] of cases) {
    const error = await failure("ntp.example", { lookup: lookup!, ...options });
    assertEquals(error.code, "not-found");
    assertStringIncludes(error.message, "ntp.example");
    assertStringIncludes(error.message, text);
  }
});

test("resolveHost: not permitted", async () => {
  for (const cause of [{ code: "EPERM" }, { name: "NotCapable" }]) {
    const error = await failure("ntp.example", {
      lookup: () => Promise.reject(Object.assign(new Error(), cause)),
    });
    assertEquals(error.code, "permission");
    assertStringIncludes(error.message, "--allow-net=ntp.example");
  }
});

test("resolveHost: aborted before, and while asking", async () => {
  const reason = new Error("had enough");
  const before = await failure("localhost", { signal: AbortSignal.abort(reason) });
  assertEquals([before.code, before.name], ["aborted", "AbortError"]);
  assertStrictEquals(before.cause, reason);

  const controller = new AbortController();
  const never = () => new Promise<string[]>(() => {});
  const asking = failure("ntp.example", { lookup: never, signal: controller.signal });
  controller.abort(reason);
  const error = await asking;
  assertEquals(error.code, "aborted");
  assertStringIncludes(error.message, "ntp.example");
  assertStringIncludes(error.message, "had enough");
});

test("resolveHost: an abort when all is over changes nothing", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  assertEquals((await resolveHost("ntp.example", { lookup: both, signal })).length, 4);
  controller.abort();
});

test("resolveHost: wrong arguments", async () => {
  await assertRejects(() => resolveHost(5 as never), TypeError, "5");
  await assertRejects(() => resolveHost(""), RangeError, "hostname");
  await assertRejects(() => resolveHost("::1", { family: 5 as never }), TypeError, "5");
});
