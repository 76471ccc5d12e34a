import type { KeyExchange, NtsWorld } from "../../src/cli/nts_world.ts";
import { KeCounters } from "../../src/nts/ke/ke_statistics.ts";
import { RotatingCookieKeys } from "../../src/nts/rotating_cookie_keys.ts";

/** Files that the commands with NTS name. */
export const NTS_FILES: Readonly<Record<string, string>> = {
  "cert.pem": "-----BEGIN CERTIFICATE-----\n",
  "key.pem": "-----BEGIN PRIVATE KEY-----\n",
  "ca.pem": "-----BEGIN CERTIFICATE-----\n",
  "nts.secret": "0123456789abcdef".repeat(4),
};

/**
 * Key exchanges without a network.
 *
 * @param cookieKeys those of the server that everybody is sent to
 * @param hostname its address
 */
export function ntsInMemory(cookieKeys: RotatingCookieKeys, hostname: string): NtsWorld {
  return {
    establish() {
      const keys = { aead: 15, c2s: new Uint8Array(32).fill(1), s2c: new Uint8Array(32).fill(2) };
      return Promise.resolve({ ...keys, cookies: [cookieKeys.seal(keys)], hostname, port: 123 });
    },
    makeKeyExchange(): KeyExchange {
      const address = { hostname: "::", port: 4460 };
      return {
        addresses: [address],
        listen: () => Promise.resolve(address),
        setCertificate() {},
        statistics: () => new KeCounters().snapshot(0),
        close: () => Promise.resolve(),
      };
    },
    openCookieKeyFile: () => Promise.resolve(new RotatingCookieKeys()),
  };
}
