import { test } from "node:test";
import { assertEquals, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { NTPError, type NTPErrorCode } from "../../src/packet/error.ts";
import { currentRuntime } from "../../src/transport/runtime.ts";
import { type FailedAction, systemError } from "../../src/transport/system_error.ts";

function named(name: string, properties: object = {}): Error {
  return Object.assign(new Error("text of the runtime"), { name }, properties);
}

function coded(code: string): Error {
  return named("Error", { code });
}

function check(
  error: unknown,
  action: Partial<FailedAction>,
  code: NTPErrorCode,
  ...texts: string[]
) {
  const full: FailedAction = { what: "bind", hostname: "::", port: 123, ...action };
  const made = systemError(error, full);
  assertEquals(made.code, code);
  assertStrictEquals(made.cause, error);
  for (const text of texts) assertStringIncludes(made.message, text);
  assertEquals(made.message.includes("\n"), false);
}

test("system errors: a port in use", () => {
  check(coded("EADDRINUSE"), {}, "address-in-use", "[::]:123", "12300");
  check(named("AddrInUse"), { port: 12300 }, "address-in-use", "[::]:12300", "12301");
});

test("system errors: a privileged port, with the command", () => {
  for (const error of [coded("EACCES"), named("PermissionDenied", { code: "EACCES" })]) {
    const runtime = currentRuntime()!;
    check(error, {}, "permission", "1024", "setcap", runtime, "12300");
  }
  check(coded("EPERM"), { port: 5000 }, "permission", "[::]:5000");
});

test("system errors: Deno's permission", () => {
  check(named("NotCapable"), {}, "permission", "--allow-net=[::]:123");
  const action = { what: "send", hostname: "192.0.2.1" } as const;
  check(named("NotCapable"), action, "permission", "--allow-net=192.0.2.1:123");
});

test("system errors: addresses", () => {
  const hostname = "203.0.113.77";
  check(coded("EADDRNOTAVAIL"), { hostname }, "address-unavailable", hostname);
  check(named("AddrNotAvailable"), { hostname }, "address-unavailable", hostname);
  check(coded("EAFNOSUPPORT"), {}, "address-unavailable", "0.0.0.0");
  for (const code of ["EINVAL", "ENOENT", "UNKNOWN"]) {
    check(coded(code), { hostname: "fe80::1%no" }, "address-unavailable", "fe80::1%no");
  }
  check(coded("EINVAL"), {}, "system", "text of the runtime");
});

test("system errors: on the way", () => {
  const action = { what: "send", hostname: "192.0.2.1" } as const;
  const where = "192.0.2.1:123";
  check(coded("ECONNREFUSED"), action, "refused", where);
  for (const name of ["ConnectionRefused", "ConnectionReset"]) {
    check(named(name), action, "refused", where);
  }
  for (const code of ["ENETUNREACH", "EHOSTUNREACH", "ENETDOWN", "EAFNOSUPPORT"]) {
    check(coded(code), action, "unreachable", where, code);
  }
  check(named("NetworkUnreachable"), action, "unreachable", where);
  check(coded("EACCES"), action, "permission", where, "allowBroadcast()");
  check(coded("EMSGSIZE"), action, "system", where);
  check(coded("EINVAL"), action, "system", where, "text of the runtime");
});

test("system errors: no way to a group has a remedy of its own", () => {
  const action = { what: "send", hostname: "224.0.1.1" } as const;
  check(coded("ENETUNREACH"), action, "unreachable", "ip route add 224.0.0.0/4 dev");
  // Deno's node:dgram tells no more.
  check(coded("UNKNOWN"), { ...action, hostname: "ff05::101" }, "unreachable", "ip -6 route add");
  check(coded("UNKNOWN"), { ...action, hostname: "192.0.2.1" }, "unreachable", "check address");
});

test("system errors: connect() fails only where there is no way", () => {
  const action = { what: "connect", hostname: "192.0.2.1" } as const;
  check(coded("ENETUNREACH"), action, "unreachable", "192.0.2.1:123");
  check(named("Error"), action, "unreachable", "192.0.2.1:123");
});

test("system errors: IPv4 is never shown as mapped", () => {
  const action = { what: "send", hostname: "::ffff:192.0.2.1" } as const;
  check(coded("ENETUNREACH"), action, "unreachable", "to 192.0.2.1:123");
});

test("system errors: too many sockets", () => {
  check(coded("EMFILE"), {}, "system", "ulimit -n");
});

test("system errors: what is no error object", () => {
  check("a string", {}, "system", "a string");
  check(undefined, {}, "system", "undefined");
  check({ code: 5 }, {}, "system");
});

test("system errors: an NTPError stays as it is", () => {
  const error = new NTPError("unsupported", "said already");
  assertStrictEquals(systemError(error, { what: "bind", hostname: "::", port: 0 }), error);
});
