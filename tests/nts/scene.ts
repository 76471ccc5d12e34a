import type { NtsEstablishment } from "../../src/nts/nts_keys.ts";
import type { CookieKeys } from "../../src/nts/cookie_keys.ts";
import { NtsResponder } from "../../src/nts/nts_responder.ts";
import { NtsSession } from "../../src/nts/nts_session.ts";
import { RotatingCookieKeys } from "../../src/nts/rotating_cookie_keys.ts";
import { aeadWith } from "../../src/nts/aead/registry.ts";
import { NTPServer } from "../../src/server/ntp_server.ts";
import type { NTPServerOptions } from "../../src/server/ntp_server_options.ts";
import { Stage } from "../client/stage.ts";

export const SERVER = "192.0.2.1";

/** Keys of a session, the same each time. */
export function keysFor(aead: number): { aead: number; c2s: Uint8Array; s2c: Uint8Array } {
  const { keyLength } = aeadWith(aead)!;
  return {
    aead,
    c2s: new Uint8Array(keyLength).fill(0xc2),
    s2c: new Uint8Array(keyLength).fill(0x52),
  };
}

/** What a key exchange would give. */
export function establishmentOf(
  cookieKeys: CookieKeys,
  aead = 15,
  count = 8,
): NtsEstablishment {
  const keys = keysFor(aead);
  const cookies = Array.from({ length: count }, () => cookieKeys.seal(keys));
  return { ...keys, cookies, hostname: SERVER, port: 123 };
}

/** A server with NTS and a session with it, on a network in memory. */
export class NtsScene {
  readonly stage: Stage = new Stage();
  readonly cookieKeys: RotatingCookieKeys = new RotatingCookieKeys();
  readonly server: NTPServer;
  readonly session: NtsSession;
  /** How many key exchanges there were. */
  exchanges = 0;
  /** Thrown by the next exchanges, if set. */
  failure: Error | undefined;

  constructor(aead = 15, options: NTPServerOptions = {}) {
    this.server = new NTPServer({
      clock: this.stage.clock(5),
      bind: this.stage.network.bind,
      nts: new NtsResponder({ cookieKeys: this.cookieKeys }),
      ...options,
    });
    this.session = new NtsSession({
      establish: () => {
        this.exchanges++;
        if (this.failure !== undefined) return Promise.reject(this.failure);
        return Promise.resolve(establishmentOf(this.cookieKeys, aead));
      },
      now: () => this.stage.time.elapsedMs,
    });
  }
}
