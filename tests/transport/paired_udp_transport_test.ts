import { test } from "node:test";
import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { NTPError } from "../../src/packet/error.ts";
import type { UdpBindSettings } from "../../src/transport/bind_options.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import { openUdp } from "../../src/transport/open_udp.ts";
import type { UdpBindOptions, UdpTransport } from "../../src/transport/udp_transport.ts";
import { Inbox } from "./inbox.ts";

/** Opens sockets that write down what is asked of them; some addresses fail. */
function stage(failures: (hostname: string, port: number) => string | undefined = () => undefined) {
  const calls: string[] = [];
  const counters = { received: 1, sent: 2, dropped: 3, errors: 4, handlerErrors: 5 };
  let ephemeral = 1000;
  const open = (settings: UdpBindSettings, hostname: string): UdpTransport => {
    const port = settings.port || ++ephemeral;
    const { ipv6Only, multicast } = settings;
    calls.push(`open ${new Endpoint(hostname, port)}${ipv6Only ? " ipv6Only" : ""}`);
    const code = failures(hostname, port);
    if (code !== undefined) throw Object.assign(new Error(code), { code });
    assertEquals(multicast, true);
    const note = (...args: unknown[]) => void calls.push(`${hostname} ${args.join(" ")}`);
    return {
      kind: "scripted",
      hostname,
      port,
      counters,
      send(data, to) {
        note("send", data.length, to);
        return "sent";
      },
      joinGroup: (group, via) => note("join", group, via),
      leaveGroup: (group, via) => note("leave", group, via),
      configureMulticast: ({ hopLimit }) => note("configure", hopLimit),
      allowBroadcast: () => note("broadcast"),
      close() {
        note("close");
        return Promise.resolve();
      },
    };
  };
  const bind = (more: Partial<UdpBindOptions> = {}) =>
    openUdp(new Inbox().options({ multicast: true, ...more }), open);
  return { bind, calls, counters };
}

test("paired sockets: each family has its own", async () => {
  const { bind, calls, counters } = stage();
  const transport = await bind();
  const { kind, hostname, port } = transport;
  assertEquals([kind, hostname, port], ["scripted", "::", 1001]);
  assertEquals(calls.splice(0), ["open [::]:1001 ipv6Only", "open 0.0.0.0:1001"]);

  transport.send(new Uint8Array(48), new Endpoint("::ffff:192.0.2.1", 123));
  transport.send(new Uint8Array(48), new Endpoint("2001:db8::1", 123));
  transport.joinGroup("224.0.1.1", "eth0");
  transport.joinGroup("ff02::101%eth0");
  transport.leaveGroup("224.0.1.1", "eth0");
  transport.leaveGroup("ff02::101", "eth0");
  transport.configureMulticast({ hopLimit: 5 });
  transport.configureMulticast({ hopLimit: 6, family: 6 });
  transport.configureMulticast({ hopLimit: 4, family: 4 });
  transport.allowBroadcast();
  assertEquals(calls.splice(0), [
    "0.0.0.0 send 48 192.0.2.1:123",
    ":: send 48 [2001:db8::1]:123",
    "0.0.0.0 join 224.0.1.1 eth0",
    ":: join ff02::101%eth0 ",
    "0.0.0.0 leave 224.0.1.1 eth0",
    ":: leave ff02::101 eth0",
    ":: configure 5",
    "0.0.0.0 configure 5",
    ":: configure 6",
    "0.0.0.0 configure 4",
    "0.0.0.0 broadcast",
  ]);

  const live = transport.counters;
  counters.received = 10;
  const sums = { received: 20, sent: 4, dropped: 6, errors: 8, handlerErrors: 10 };
  assertEquals({ ...live }, sums);

  const closing = transport.close();
  assertStrictEquals(transport.close(), closing);
  await closing;
  assertEquals(calls, [":: close", "0.0.0.0 close"]);
});

test("paired sockets: only for all addresses of both families", async () => {
  const { bind, calls } = stage();
  await bind({ hostname: "0.0.0.0" });
  await bind({ hostname: "::", ipv6Only: true });
  await bind({ hostname: "2001:db8::1" });
  assertEquals(calls, ["open 0.0.0.0:1001", "open [::]:1002 ipv6Only", "open [2001:db8::1]:1003"]);
});

test("paired sockets: a port that IPv4 has in use is not taken, where any will do", async () => {
  const { bind, calls } = stage((hostname, port) =>
    hostname === "0.0.0.0" && port < 1003 ? "EADDRINUSE" : undefined
  );
  assertEquals((await bind()).port, 1003);
  assertEquals(calls.filter((call) => call.endsWith("close")), [":: close", ":: close"]);
  const error = await assertRejects(() => bind({ port: 500 }), NTPError, "0.0.0.0:500");
  assertEquals(error.code, "address-in-use");
  assertEquals(calls.at(-1), ":: close");
});

test("paired sockets: not for ever", async () => {
  const { bind, calls } = stage((hostname) => hostname === "0.0.0.0" ? "EADDRINUSE" : undefined);
  assertEquals((await assertRejects(() => bind(), NTPError)).code, "address-in-use");
  assertEquals(calls.length, 16 * 3);
});

test("paired sockets: another error of the second closes the first", async () => {
  const { bind, calls } = stage((hostname) => hostname === "0.0.0.0" ? "EACCES" : undefined);
  const error = await assertRejects(() => bind({ port: 123 }), NTPError, "0.0.0.0:123");
  assertEquals(error.code, "permission");
  assertEquals(calls, ["open [::]:123 ipv6Only", "open 0.0.0.0:123", ":: close"]);
});

test("paired sockets: IPv4 alone on a machine without IPv6", async () => {
  const { bind, calls } = stage((hostname) => hostname === "::" ? "EAFNOSUPPORT" : undefined);
  assertEquals((await bind()).hostname, "0.0.0.0");
  assertEquals(calls, ["open [::]:1001 ipv6Only", "open 0.0.0.0:1002"]);
});
