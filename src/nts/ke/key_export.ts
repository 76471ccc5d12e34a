import { aeadWith } from "../aead/registry.ts";
import type { NtsKeys } from "../nts_keys.ts";
import { NTPV4 } from "./record.ts";

/** Label of exported keys (RFC 8915 §5.1). */
const EXPORTER_LABEL = "EXPORTER-network-time-security";

/** What gives keys: a TLS session that stands (RFC 8446 §7.5). */
export interface KeyExporter {
  /**
   * Derives bytes that both sides know and nobody else.
   *
   * @param length how many
   * @param label what for
   * @param context what else tells them from others
   */
  exportKeyingMaterial(length: number, label: string, context: Uint8Array): Uint8Array;
}

/** Context of a key: protocol, algorithm, direction (RFC 8915 §5.1). */
function contextOf(aead: number, direction: 0 | 1): Uint8Array {
  return Uint8Array.of(NTPV4 >>> 8, NTPV4 & 255, aead >>> 8, aead & 255, direction);
}

/**
 * The keys of a session.
 *
 * @param exporter the TLS session
 * @param aead identifier of an algorithm that is known here
 */
export function exportKeys(exporter: KeyExporter, aead: number): NtsKeys {
  const length = aeadWith(aead)!.keyLength;
  const key = (direction: 0 | 1) =>
    exporter.exportKeyingMaterial(length, EXPORTER_LABEL, contextOf(aead, direction));
  return { aead, c2s: key(0), s2c: key(1) };
}
