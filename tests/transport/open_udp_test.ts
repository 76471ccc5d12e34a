import { test } from "node:test";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { NTPError } from "../../src/packet/error.ts";
import { openUdp } from "../../src/transport/open_udp.ts";
import type { UdpBindOptions, UdpTransport } from "../../src/transport/udp_transport.ts";
import { Inbox } from "./inbox.ts";

/** Opens with a runtime that fails for some addresses; gives the addresses tried. */
async function tried(
  more: Partial<UdpBindOptions>,
  failures: Record<string, string> = {},
): Promise<string[]> {
  const hostnames: string[] = [];
  await openUdp(new Inbox().options(more), (_settings, hostname) => {
    hostnames.push(hostname);
    const code = failures[hostname];
    if (code !== undefined) throw Object.assign(new Error(code), { code });
    return {} as UdpTransport;
  });
  return hostnames;
}

test("openUdp: without IPv6 the default is 0.0.0.0", async () => {
  assertEquals(await tried({}), ["::"]);
  for (const code of ["EAFNOSUPPORT", "EADDRNOTAVAIL", "UNKNOWN"]) {
    assertEquals(await tried({}, { "::": code }), ["::", "0.0.0.0"]);
  }
});

test("openUdp: other errors, and addresses asked for, are not replaced", async () => {
  const failure = async (more: Partial<UdpBindOptions>, code: string) =>
    (await assertRejects(() => tried(more, { "::": code }), NTPError)).code;
  assertEquals(await failure({}, "EADDRINUSE"), "address-in-use");
  assertEquals(await failure({}, "EACCES"), "permission");
  assertEquals(await failure({ hostname: "::" }, "EAFNOSUPPORT"), "address-unavailable");
  assertEquals(await failure({ ipv6Only: true }, "EAFNOSUPPORT"), "address-unavailable");
});

test("openUdp: the default with a remote has its family", async () => {
  assertEquals(await tried({ remote: { hostname: "192.0.2.1", port: 123 } }), ["0.0.0.0"]);
  assertEquals(await tried({ remote: { hostname: "::ffff:192.0.2.1", port: 1 } }), ["0.0.0.0"]);
  assertEquals(await tried({ remote: { hostname: "2001:db8::1", port: 123 } }), ["::"]);
});

test("openUdp: no way to the remote is said of the remote", async () => {
  const remote = { hostname: "192.0.2.1", port: 123 };
  const opening = () => tried({ remote }, { "0.0.0.0": "ENETUNREACH" });
  const error = await assertRejects(opening, NTPError, "192.0.2.1:123");
  assertEquals(error.code, "unreachable");
});

test("openUdp: a signal that fires meanwhile closes what was opened", async () => {
  const controller = new AbortController();
  let closed = 0;
  const opening = openUdp(new Inbox().options({ signal: controller.signal }), () => {
    controller.abort(new Error("changed my mind"));
    return Promise.resolve({ close: () => Promise.resolve(void closed++) } as UdpTransport);
  });
  const error = await assertRejects(() => opening, NTPError);
  assertEquals([error.code, closed], ["aborted", 1]);
  assertStringIncludes(error.message, "changed my mind");
});

test("openUdp: a signal that fires while a local name is resolved", async () => {
  const controller = new AbortController();
  const options = new Inbox().options({ hostname: "a.example", signal: controller.signal });
  const opening = openUdp(
    options,
    () => {
      throw new Error("opened");
    },
    (_hostname, more) => {
      assertEquals(more?.signal, controller.signal);
      return Promise.reject(new NTPError("aborted", "as resolveHost says"));
    },
  );
  assertEquals((await assertRejects(() => opening, NTPError)).code, "aborted");
});
