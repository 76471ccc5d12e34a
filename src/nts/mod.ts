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
export { establishNts } from "./ke/establish_nts.ts";
export type { EstablishNtsOptions } from "./ke/establish_options.ts";
export type { KeFailure, KeServerStatistics } from "./ke/ke_statistics.ts";
export type { NtsKeyExchangeServerOptions } from "./ke/key_exchange_server_options.ts";
export {
  type KeAddress,
  type KeListenOptions,
  NtsKeyExchangeServer,
} from "./ke/nts_key_exchange_server.ts";
export type { TlsName } from "./ke/tls/tls_engine.ts";
export type { Timers } from "../clock/timers.ts";
export type { ResolveOptions } from "../transport/resolve.ts";
export { NtsClient, type NtsClientOptions } from "./nts_client.ts";
export type { NtsEstablishment, NtsKeys } from "./nts_keys.ts";
export { NtsResponder, type NtsResponderOptions } from "./nts_responder.ts";
export {
  type EstablishNts,
  NtsSession,
  type NtsSessionOptions,
  type NtsSessionStatistics,
} from "./nts_session.ts";
export type {
  NtsRequest,
  NtsServerAddress,
  NtsSessions,
  NtsSource,
  NtsTarget,
  NtsVerdict,
} from "./nts_source.ts";
export type { NtsRandom } from "./random_pool.ts";
export {
  RotatingCookieKeys,
  type RotatingCookieKeysOptions,
  type SavedCookieKey,
} from "./rotating_cookie_keys.ts";
export { SharedCookieKeys, type SharedCookieKeysOptions } from "./shared_cookie_keys.ts";
