import { parseIpAddress } from "../../packet/ip_address.ts";

/** Longest name that DNS has (RFC 1035 §2.3.4). */
const MAX_NAME_LENGTH = 253;

/** Labels of letters, digits, hyphens and the underscores that some have, with dots in between. */
const NAME = /^(?!-)[\w-]{1,63}(?:\.(?!-)[\w-]{1,63})*\.?$/;

/**
 * Whether a text names a host as RFC 8915 §4.1.7 allows: an IP address without a zone, or a name in
 * ASCII.
 */
export function isServerName(text: string): boolean {
  if (text.length > MAX_NAME_LENGTH || text.includes("%")) return false;
  if (parseIpAddress(text, new Uint8Array(16)) !== 0) return true;
  return NAME.test(text) && !/^[\d.]+$/.test(text);
}

/** The name in the body of a record; undefined if it is none. */
export function serverNameOf(body: Uint8Array): string | undefined {
  if (body.length === 0 || body.length > MAX_NAME_LENGTH) return undefined;
  const text = String.fromCharCode(...body);
  return isServerName(text) ? text : undefined;
}
