import type { CookieKeys } from "../nts/cookie_keys.ts";
import type { KeServerStatistics } from "../nts/ke/ke_statistics.ts";
import { NtsResponder } from "../nts/nts_responder.ts";
import { RotatingCookieKeys } from "../nts/rotating_cookie_keys.ts";
import { SharedCookieKeys } from "../nts/shared_cookie_keys.ts";
import { NTPError } from "../packet/error.ts";
import { Endpoint } from "../transport/endpoint.ts";
import type { NtsServeValues } from "./nts_serve_options.ts";
import { type KeyExchange, type NtsWorld, systemNts } from "./nts_world.ts";
import { readText } from "./read_text.ts";
import type { World } from "./world.ts";

/** How often the files of certificate and key are looked at. */
const RELOAD_MS = 60_000;

/** Shortest secret, in bytes; see `SharedCookieKeys`. */
const LEAST_SECRET = 32;

const NTP_PORT = 123;

/** What serving NTS needs besides the options. */
interface ServeNtsParts {
  readonly world: World;
  /** Told of what goes wrong later on. */
  readonly onError: (error: Error) => void;
}

/** What `ntps serve` does for NTS: keys of cookies, key exchange, renewed certificates. */
export class ServeNts {
  /** What the NTP server needs. */
  readonly responder: NtsResponder;
  readonly #given: NtsServeValues;
  readonly #parts: ServeNtsParts;
  readonly #cookieKeys: CookieKeys;
  #identity: { cert: string; key: string } | undefined;
  #keyExchange: KeyExchange | undefined;
  #stopReloading: () => void = () => {};
  #lastFailure = "";

  private constructor(
    given: NtsServeValues,
    parts: ServeNtsParts,
    cookieKeys: CookieKeys,
  ) {
    this.#given = given;
    this.#parts = parts;
    this.#cookieKeys = cookieKeys;
    this.responder = new NtsResponder({ cookieKeys });
  }

  /**
   * Reads the files.
   *
   * @returns undefined if no NTS is wanted
   * @throws {NTPError} if a file cannot be read, or is not what it should be
   */
  static async open(given: NtsServeValues, parts: ServeNtsParts): Promise<ServeNts | undefined> {
    if (given.ntsCert === undefined && given.ntsSecret === undefined) return undefined;
    const nts = new ServeNts(given, parts, await openCookieKeys(given, parts));
    if (given.ntsCert !== undefined) nts.#identity = await nts.#readIdentity();
    return nts;
  }

  /** What it has done, if it exchanges keys. */
  get statistics(): KeServerStatistics | undefined {
    return this.#keyExchange?.statistics();
  }

  /**
   * Begins to exchange keys, if that is wanted.
   *
   * @param addresses addresses of the NTP server
   * @param ntpPort its port
   * @throws {NTPError} what `NtsKeyExchangeServer.listen()` throws
   */
  async start(addresses: readonly string[], ntpPort: number): Promise<void> {
    const { world } = this.#parts;
    if (this.#identity === undefined) return;
    const { ntsPort: port, ntsServer } = this.#given;
    const told = ntsServer ?? (ntpPort === NTP_PORT ? undefined : { port: ntpPort });
    this.#keyExchange = this.#nts.makeKeyExchange({
      ...this.#identity,
      cookieKeys: this.#cookieKeys,
      ...(ntsServer !== undefined && { ntpHostname: ntsServer.hostname }),
      ...(told?.port !== undefined && { ntpPort: told.port }),
      timers: world.timers,
      onError: (error) => this.#tell(error),
    });
    for (const hostname of addresses.length === 0 ? [undefined] : addresses) {
      const given = this.#keyExchange.addresses[0]?.port ?? port;
      await this.#keyExchange.listen({
        ...(hostname !== undefined && { hostname }),
        ...(given !== undefined && { port: given }),
      });
    }
    this.#reloadLater();
  }

  /** Parts of the line that tells what was started. */
  describe(): string[] {
    if (this.#keyExchange === undefined) return ["NTS with cookies of others"];
    const places = this.#keyExchange.addresses.map(({ hostname, port }) =>
      `${new Endpoint(hostname, port)}`
    );
    return [`NTS key exchange at ${places.join(", ")}`];
  }

  /** Ends it. */
  async close(): Promise<void> {
    this.#stopReloading();
    await this.#keyExchange?.close();
  }

  get #nts(): NtsWorld {
    return this.#parts.world.nts ?? systemNts;
  }

  async #readIdentity(): Promise<{ cert: string; key: string }> {
    const { ntsCert, ntsKey } = this.#given;
    const { world } = this.#parts;
    return { cert: await readText(ntsCert!, world), key: await readText(ntsKey!, world) };
  }

  #reloadLater(): void {
    let hasStopped = false;
    const cancel = this.#parts.world.timers.after(RELOAD_MS, () => {
      const tell = ({ message }: Error) =>
        this.#tell(new Error(`the certificate stays the old one: ${message}`));
      void this.reload().catch(tell).finally(() => {
        if (!hasStopped) this.#reloadLater();
      });
    });
    this.#stopReloading = () => {
      hasStopped = true;
      cancel();
    };
  }

  /** Tells of a fault, but not of the same one again and again: strangers may be what brings it up. */
  #tell(error: Error): void {
    if (error.message === this.#lastFailure) return;
    this.#lastFailure = error.message;
    this.#parts.onError(error);
  }

  /**
   * Uses certificate and key if they are new.
   *
   * @returns what undoes it
   * @throws {NTPError} if they cannot be read or used; the old ones stay
   */
  async reload(): Promise<() => void> {
    const before = this.#identity!;
    if (this.#keyExchange === undefined) return () => {};
    const identity = await this.#readIdentity();
    if (identity.cert === before.cert && identity.key === before.key) return () => {};
    this.#keyExchange.setCertificate(identity);
    this.#identity = identity;
    return () => {
      this.#keyExchange?.setCertificate(before);
      this.#identity = before;
    };
  }
}

async function openCookieKeys(
  { ntsKeys, ntsSecret, ntsRotate }: NtsServeValues,
  { world, onError }: ServeNtsParts,
): Promise<CookieKeys> {
  const rotation = { ...(ntsRotate !== undefined && { rotateSeconds: ntsRotate / 1000 }) };
  if (ntsSecret !== undefined) {
    return new SharedCookieKeys({ ...rotation, secret: await readSecret(ntsSecret, world) });
  }
  if (ntsKeys === undefined) return new RotatingCookieKeys(rotation);
  return await (world.nts ?? systemNts).openCookieKeyFile(ntsKeys, { ...rotation, onError });
}

/** The bytes of a secret file, without the end of the line that editors put there. */
async function readSecret(path: string, world: World): Promise<Uint8Array> {
  const text = (await readText(path, world)).replace(/\r?\n$/, "");
  const secret = new TextEncoder().encode(text);
  if (secret.length >= LEAST_SECRET) return secret;
  throw new NTPError(
    "malformed",
    `${path}: the secret has ${secret.length} bytes, and needs ${LEAST_SECRET}: make one with ` +
      `openssl rand -hex 32 > ${path}`,
  );
}
