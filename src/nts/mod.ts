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
export type { NtsEstablishment, NtsKeys } from "./nts_keys.ts";
