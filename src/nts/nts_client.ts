import { establishNts } from "./ke/establish_nts.ts";
import { checkEstablishOptions, type EstablishNtsOptions } from "./ke/establish_options.ts";
import { NtsSession } from "./nts_session.ts";
import type { NtsSessions, NtsTarget } from "./nts_source.ts";

/** Options of {@linkcode NtsClient}: of all its key exchanges. */
export interface NtsClientOptions
  extends Omit<EstablishNtsOptions, "port" | "family" | "signal" | "ntpHostname" | "ntpPort"> {
  /** How keys are exchanged. Default: {@linkcode establishNts}. */
  establish?: typeof establishNts;
}

/**
 * A client of NTS: makes a session with each server whose time is wanted. What `NTPSync` takes, so
 * that `nts: true` is all that a server or a pool needs.
 *
 * @example A clock that believes only what is authenticated
 * ```ts ignore
 * import { NTPSync } from "@ntps/ntps";
 * import { NtsClient } from "@ntps/ntps/nts";
 *
 * const sync = await NTPSync.start({
 *   nts: new NtsClient(),
 *   servers: [
 *     { hostname: "time.cloudflare.com", nts: true },
 *     { hostname: "ptbtime1.ptb.de", nts: true },
 *     { hostname: "nts.netnod.se", nts: true },
 *   ],
 * });
 * ```
 */
export class NtsClient implements NtsSessions {
  readonly #options: Omit<NtsClientOptions, "establish">;
  readonly #establish: typeof establishNts;

  /**
   * Makes a client; it does nothing by itself.
   *
   * @param options all optional
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if an option is out of range
   */
  constructor(options: NtsClientOptions = {}) {
    const { establish = establishNts, ...others } = options;
    if (typeof establish !== "function") {
      throw new TypeError(`establish is a function, not ${typeof establish}`);
    }
    checkEstablishOptions(others);
    this.#options = others;
    this.#establish = establish;
  }

  /**
   * Makes a session; keys are exchanged when it is first used.
   *
   * @param hostname the key exchange server: name or IP address; its certificate must be for it
   * @param target port, and which address of that name
   */
  session(hostname: string, { port, family, address }: NtsTarget = {}): NtsSession {
    const options: EstablishNtsOptions = {
      ...this.#options,
      ...(port !== undefined && { port }),
      ...(family !== undefined && { family }),
      ...(address !== undefined && { resolve: () => Promise.resolve([address]) }),
    };
    return new NtsSession({
      establish: (signal) =>
        this.#establish(hostname, signal === undefined ? options : { ...options, signal }),
    });
  }
}
