import { NTPError } from "../packet/error.ts";
import { checkKeys } from "./check_keys.ts";
import { MAX_COOKIE_LENGTH, MAX_COOKIES } from "./extension_fields.ts";
import type { NtsEstablishment } from "./nts_keys.ts";
import type { NtsRequest, NtsServerAddress, NtsSource, NtsVerdict } from "./nts_source.ts";
import { type NtsRandom, systemRandom } from "./random_pool.ts";
import { isRefusal, openReply, protectRequest } from "./request_protection.ts";
import { RetryInterval } from "./retry_interval.ts";

/** Requests in a row that stay unanswered before keys are exchanged anew. */
const MAX_UNANSWERED = 4;

/** Exchanges keys: tells them, and the server that takes their cookies. */
export type EstablishNts = (signal?: AbortSignal) => Promise<NtsEstablishment>;

/** Options of {@linkcode NtsSession}. */
export interface NtsSessionOptions {
  /** How keys are exchanged, such as `(signal) => establishNts("time.example", { signal })`. */
  establish: EstablishNts;
  /** Milliseconds of a clock that is never set. Default: `performance.now`. */
  now?: () => number;
  /** Fills bytes with random ones. Default: `crypto.getRandomValues`. */
  random?: NtsRandom;
}

/** What a session has done. No keys and no cookies are in it. */
export interface NtsSessionStatistics {
  /** Key exchanges that succeeded. */
  readonly exchanges: number;
  /** Key exchanges that failed. */
  readonly failures: number;
  /** Cookies at hand, 0 to 8. */
  readonly cookies: number;
  /** Requests made. */
  readonly requests: number;
  /** Authentic replies. */
  readonly authentic: number;
  /** Replies that said that the cookie is not good; they may have been forged. */
  readonly refused: number;
}

/** The keys in use, and what goes with them. */
interface Keys extends NtsServerAddress {
  readonly aead: number;
  readonly c2s: Uint8Array;
  readonly s2c: Uint8Array;
  /** The oldest first. */
  cookies: Uint8Array[];
}

/**
 * A client's session with one server (RFC 8915 §5.7): keys, and eight cookies, of which each is sent
 * once. A reply brings a new one, and more for those that were lost.
 *
 * Keys are exchanged when a request is to be made and there are none, or no cookies; when four
 * requests in a row were not answered; and after a refusal (NTSN) when the next request was not
 * answered authentically either, since a refusal may be forged. Never more often than each ten
 * seconds, and less and less often until there is an authentic reply. Until new keys are there, the
 * old ones go on.
 *
 * @example A server that is asked with NTS
 * ```ts
 * import { NTPServer, query } from "@ntps/ntps";
 * import { NtsResponder, NtsSession, RotatingCookieKeys } from "@ntps/ntps/nts";
 * import { assertEquals } from "@std/assert";
 *
 * const cookieKeys = new RotatingCookieKeys();
 * const server = new NTPServer({ nts: new NtsResponder({ cookieKeys }) });
 * const { port } = await server.listen({ hostname: "127.0.0.1", port: 0 });
 * // In earnest: establish: (signal) => establishNts("time.example", { signal })
 * const establish = () => {
 *   const keys = { aead: 15, c2s: new Uint8Array(32).fill(1), s2c: new Uint8Array(32).fill(2) };
 *   const cookies = [cookieKeys.seal(keys)];
 *   return Promise.resolve({ ...keys, cookies, hostname: "127.0.0.1", port });
 * };
 *
 * const nts = new NtsSession({ establish });
 * const { authentication } = await query("127.0.0.1", { nts, timeoutMs: 1000 });
 * assertEquals(authentication, "nts");
 * assertEquals(nts.statistics().cookies, 8);
 * await server.close();
 * ```
 */
export class NtsSession implements NtsSource {
  readonly #establish: EstablishNts;
  readonly #now: () => number;
  readonly #random: NtsRandom;
  readonly #retry = new RetryInterval();
  #keys: Keys | undefined;
  /** A key exchange under way. */
  #exchange: Promise<void> | undefined;
  /** Requests since the last authentic reply. */
  #unanswered = 0;
  /** Whether the server seems to refuse our cookies, and whether it was asked again since. */
  #refused: "no" | "once" | "asked again" = "no";
  #exchanges = 0;
  #failures = 0;
  #requests = 0;
  #authentic = 0;
  #refusals = 0;

  /**
   * Makes a session; it does nothing before {@linkcode NtsSession.ready}.
   *
   * @param options how keys are exchanged, and the world
   * @throws {TypeError} if an option has the wrong type
   */
  constructor(
    { establish, now = () => performance.now(), random = systemRandom }: NtsSessionOptions,
  ) {
    for (const [name, value] of Object.entries({ establish, now, random })) {
      if (typeof value !== "function") {
        throw new TypeError(`${name} is a function, not ${typeof value}`);
      }
    }
    this.#establish = establish;
    this.#now = now;
    this.#random = random;
  }

  /** Whether keys would be exchanged before a request is made. */
  get isWanting(): boolean {
    if (!this.#isUsable) return true;
    return this.#isStale && this.#retry.remaining(this.#now()) === 0;
  }

  /**
   * Waits until a request can be made; exchanges keys if that is needed and may be done now.
   *
   * @param signal ends the wait, and a key exchange that it began
   * @returns the server to ask
   * @throws {NTPError} `authentication` when there are no cookies and it is too early for a key
   * exchange; else what the key exchange threw, when there is nothing old to go on with
   */
  async ready(signal?: AbortSignal): Promise<NtsServerAddress> {
    if (this.isWanting) {
      const waitMs = this.#retry.remaining(this.#now());
      if (waitMs > 0 && this.#exchange === undefined) {
        throw new NTPError(
          "authentication",
          `There are no NTS cookies left; the next key exchange may begin in ${
            Math.ceil(waitMs / 1000)
          } s`,
        );
      }
      try {
        await (this.#exchange ??= this.#renew(signal));
      } catch (error) {
        // Old keys may still be good: a refusal can be forged, and replies can be lost.
        if (signal?.aborted || !this.#isUsable) throw error;
      }
    }
    const { hostname, port } = this.#keys!;
    return { hostname, port };
  }

  /**
   * Makes a request of a plain one; takes a cookie.
   *
   * @param header a request of version 4, 48 bytes
   * @throws {NTPError} `authentication` when there is no cookie
   */
  protect(header: Uint8Array): NtsRequest {
    const keys = this.#keys;
    const cookie = keys?.cookies.shift(); // sent once, or two requests could be told to be one's
    if (keys === undefined || cookie === undefined) {
      throw new NTPError("authentication", "There is no NTS cookie: wait until ready() before");
    }
    const wanted = MAX_COOKIES - keys.cookies.length;
    const bytes = protectRequest(header, keys, cookie, wanted, this.#random);
    this.#requests++;
    this.#unanswered++;
    if (this.#refused === "once") this.#refused = "asked again";
    let isAnswered = false, isRefused = false;
    const receive = (data: Uint8Array): NtsVerdict => {
      const cookies = isAnswered ? undefined : openReply(bytes, keys, data);
      if (cookies !== undefined) {
        isAnswered = true; // what comes a second time is a replay
        this.#take(keys, cookies);
        return "authentic";
      }
      if (isAnswered || !isRefusal(bytes, data)) return "unauthentic";
      if (!isRefused) this.#noteRefusal(keys);
      isRefused = true;
      return "refused";
    };
    return { bytes, receive };
  }

  /** What the session has done so far. */
  statistics(): NtsSessionStatistics {
    return {
      exchanges: this.#exchanges,
      failures: this.#failures,
      cookies: this.#keys?.cookies.length ?? 0,
      requests: this.#requests,
      authentic: this.#authentic,
      refused: this.#refusals,
    };
  }

  /** {@linkcode NtsSession.statistics}: never keys or cookies. */
  toJSON(): NtsSessionStatistics {
    return this.statistics();
  }

  /** Whether a request can be made. */
  get #isUsable(): boolean {
    return this.#keys !== undefined && this.#keys.cookies.length > 0;
  }

  /** Whether new keys are wanted though there are old ones. */
  get #isStale(): boolean {
    return this.#unanswered >= MAX_UNANSWERED || this.#refused === "asked again";
  }

  #take(keys: Keys, cookies: readonly Uint8Array[]): void {
    this.#authentic++;
    if (keys !== this.#keys) return; // of keys that have been replaced
    this.#unanswered = 0;
    this.#refused = "no";
    this.#retry.succeed();
    keys.cookies = [...keys.cookies, ...cookies].slice(-MAX_COOKIES);
  }

  #noteRefusal(keys: Keys): void {
    this.#refusals++;
    if (keys === this.#keys && this.#refused === "no") this.#refused = "once";
  }

  async #renew(signal: AbortSignal | undefined): Promise<void> {
    this.#retry.begin(this.#now());
    try {
      this.#keys = keysOf(await this.#establish(signal));
      this.#exchanges++;
      this.#unanswered = 0;
      this.#refused = "no";
    } catch (error) {
      this.#failures++;
      throw error;
    } finally {
      this.#exchange = undefined;
    }
  }
}

/** What a key exchange gave, if it can be used. */
function keysOf(establishment: NtsEstablishment): Keys {
  checkKeys(establishment);
  const { aead, c2s, s2c, hostname, port } = establishment;
  const cookies = establishment.cookies
    .filter(({ length }) => length > 0 && length <= MAX_COOKIE_LENGTH)
    .slice(0, MAX_COOKIES)
    .map((cookie) => cookie.slice());
  if (cookies.length === 0) {
    throw new NTPError(
      "key-exchange",
      `The key exchange for ${hostname} gave no cookie of 1 to ${MAX_COOKIE_LENGTH} bytes`,
    );
  }
  return { aead, c2s: c2s.slice(), s2c: s2c.slice(), hostname, port, cookies };
}
