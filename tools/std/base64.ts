/**
 * Stands in for `@std/encoding/base64` where JSR cannot be reached, and on Bun and Node.
 *
 * @module
 */

const encoder = new TextEncoder();

/** Bytes as base64 with padding (RFC 4648 §4); text is taken as UTF-8. */
export function encodeBase64(data: ArrayBuffer | Uint8Array | string): string {
  const bytes = typeof data === "string" ? encoder.encode(data) : new Uint8Array(data);
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** Base64 (RFC 4648 §4) as bytes. Throws when the text is no base64. */
export function decodeBase64(b64: string): Uint8Array<ArrayBuffer> {
  const binary = atob(b64);
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
