/**
 * Network Time Security (RFC 8915): authentication of servers that one has no key of beforehand.
 *
 * @module
 */

export { type Aead } from "./aead/aead.ts";
export {
  AEAD_IDS,
  aeadWith,
  AES_128_GCM_SIV,
  AES_SIV_CMAC_256,
  AES_SIV_CMAC_384,
  AES_SIV_CMAC_512,
} from "./aead/registry.ts";
export { type CookieKeyFileOptions, openCookieKeyFile } from "./cookie_key_file.ts";
export type { CookieKeys } from "./cookie_keys.ts";
export {
  MAX_NTS_REPLY_LENGTH,
  NTS_ABSENT,
  NTS_AUTHENTIC,
  NTS_MALFORMED,
  NTS_REFUSED,
  type NtsGuard,
} from "./nts_guard.ts";
export type { NtsEstablishment, NtsKeys } from "./nts_keys.ts";
export { NtsResponder, type NtsResponderOptions } from "./nts_responder.ts";
export type { NtsRandom } from "./random_pool.ts";
export {
  RotatingCookieKeys,
  type RotatingCookieKeysOptions,
  type SavedCookieKey,
} from "./rotating_cookie_keys.ts";
export { SharedCookieKeys, type SharedCookieKeysOptions } from "./shared_cookie_keys.ts";
