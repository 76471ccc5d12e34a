import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { NTPError, type NTPErrorCode } from "../../src/packet/error.ts";
import { fileError } from "../../src/packet/file_error.ts";

function failure(name: string, code?: string): Error {
  return Object.assign(new Error("it failed"), { name }, code === undefined ? {} : { code });
}

test("what kept a file from being read, as each runtime tells it", () => {
  const device = new Error('Requires all access to "/dev/a", run again with the --allow-all flag');
  const cases: [Error, NTPErrorCode, string][] = [
    [failure("Error", "ENOENT"), "not-found", "no such file"],
    [failure("NotFound", "ENOENT"), "not-found", "no such file"],
    [failure("NotCapable"), "permission", "--allow-read=/etc/keys"],
    [Object.assign(device, { name: "NotCapable" }), "permission", "run it with --allow-all"],
    [failure("Error", "EACCES"), "permission", "this user may not read it"],
    [failure("PermissionDenied", "EPERM"), "permission", "this user may not read it"],
    [failure("Error", "EISDIR"), "system", "it failed"],
  ];
  for (const [cause, code, text] of cases) {
    const error = fileError("/etc/keys", cause);
    assert(error instanceof NTPError);
    assertEquals(error.code, code);
    assertStringIncludes(error.message, "/etc/keys: ");
    assertStringIncludes(error.message, text);
    assert(error.cause === cause);
  }
});

test("what is not about the file is left as it is", () => {
  for (const cause of [new TypeError("path"), new Error("bug"), "text", undefined]) {
    assert(fileError("/etc/keys", cause) === cause);
  }
});
