import { type CookieKeyFileOptions, openCookieKeyFile } from "../nts/cookie_key_file.ts";
import type { CookieKeys } from "../nts/cookie_keys.ts";
import { establishNts } from "../nts/ke/establish_nts.ts";
import type { KeServerStatistics } from "../nts/ke/ke_statistics.ts";
import type { NtsKeyExchangeServerOptions } from "../nts/ke/key_exchange_server_options.ts";
import {
  type KeAddress,
  type KeListenOptions,
  NtsKeyExchangeServer,
} from "../nts/ke/nts_key_exchange_server.ts";

/** A key exchange server. */
export interface KeyExchange {
  /** Where it listens. */
  readonly addresses: readonly KeAddress[];
  /** Begins to listen. */
  listen(options: KeListenOptions): Promise<KeAddress>;
  /** Uses another certificate. */
  setCertificate(identity: { cert: string; key: string }): void;
  /** What it has done. */
  statistics(): KeServerStatistics;
  /** Ends it. */
  close(): Promise<void>;
}

/** What NTS needs of the world besides: key exchanges, which go over TLS, and a file of keys. */
export interface NtsWorld {
  /** Exchanges keys, as `establishNts` does. */
  readonly establish: typeof establishNts;
  /** Makes a key exchange server. */
  makeKeyExchange(options: NtsKeyExchangeServerOptions): KeyExchange;
  /** Keys for cookies that are kept in a file, as of `openCookieKeyFile`. */
  openCookieKeyFile(path: string, options: CookieKeyFileOptions): Promise<CookieKeys>;
}

/** NTS as it is. */
export const systemNts: NtsWorld = {
  establish: establishNts,
  makeKeyExchange: (options) => new NtsKeyExchangeServer(options),
  openCookieKeyFile,
};
