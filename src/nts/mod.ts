/**
 * Network Time Security (RFC 8915): authentication of servers that one has no key of beforehand.
 *
 * @module
 */

export type { NtsEstablishment, NtsKeys } from "./nts_keys.ts";
