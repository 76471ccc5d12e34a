import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { exportKeys } from "../../../src/nts/ke/key_export.ts";

/** What is asked of an exporter: the first byte of each key tells which question it answers. */
function recorder() {
  const asked: [length: number, label: string, context: number[]][] = [];
  return {
    asked,
    exportKeyingMaterial(length: number, label: string, context: Uint8Array) {
      asked.push([length, label, [...context]]);
      return new Uint8Array(length).fill(asked.length);
    },
  };
}

test("NTS keys: exported for protocol, algorithm and direction (RFC 8915 §5.1)", () => {
  const label = "EXPORTER-network-time-security";
  for (const [aead, length] of [[15, 32], [16, 48], [17, 64]] as const) {
    const exporter = recorder();
    const { c2s, s2c } = exportKeys(exporter, aead);
    assertEquals(exporter.asked, [
      [length, label, [0, 0, 0, aead, 0]],
      [length, label, [0, 0, 0, aead, 1]],
    ]);
    assertEquals([c2s[0], s2c[0]], [1, 2]);
  }
});

test("NTS keys: those of AES-128-GCM-SIV carry its own identifier, 30", () => {
  const exporter = recorder();
  exportKeys(exporter, 30);
  assertEquals(exporter.asked.map(([length, , context]) => [length, context]), [
    [16, [0, 0, 0, 30, 0]],
    [16, [0, 0, 0, 30, 1]],
  ]);
});
