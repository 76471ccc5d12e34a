import type { MetricsInput } from "../metrics/metrics_text.ts";
import { StatusServer, type StatusServerOptions } from "../metrics/status_server.ts";
import { readHost } from "./host.ts";
import { flag, type Option, readWhole } from "./option.ts";
import { addressText } from "./sample_text.ts";
import { UsageError } from "./usage_error.ts";
import type { World } from "./world.ts";

/** How the help says what it is. */
export const HTTP_HELP: string = `
With --http there are /metrics for Prometheus, /status as JSON, and /healthz,
which is 503 while the clock is not synchronised, at this address by HTTP: of
this computer alone, unless a HOST is named. Nobody is asked who he is. With
--page there is also a page for people at /, which shows it all as it happens.
`.trim();

/** Where to serve metrics. */
export interface HttpAddress {
  readonly hostname: string;
  readonly port: number;
}

/** The options that want metrics. */
export const HTTP_OPTIONS: {
  readonly http: Option<HttpAddress | undefined>;
  readonly page: Option<boolean>;
} = {
  page: flag({ help: "with --http: show it to people too, on a page" }),
  http: {
    value: "[HOST:]PORT",
    initial: undefined,
    initialText: "do not",
    help: "serve metrics and health there",
    read([given], name) {
      if (/^\d+$/.test(given!)) {
        return { hostname: "127.0.0.1", port: readWhole(given!, name, 0, 65535) };
      }
      const { hostname, port } = readHost(given!);
      if (port !== undefined) return { hostname, port };
      throw new UsageError(`${name} is a port, or HOST:PORT, not "${given}"`);
    },
  },
};

/** What the options say. */
export interface HttpValues {
  readonly http: HttpAddress | undefined;
  readonly page: boolean;
}

/**
 * Checks what the options say together.
 *
 * @throws {UsageError} if there is to be a page, but nowhere
 */
export function checkHttp({ http, page }: HttpValues): void {
  if (page && http === undefined) throw new UsageError("--page needs --http: it says where");
}

/** What serves metrics. */
export type StatusServing = Pick<StatusServer, "listen" | "close">;

/** What is being served. */
export interface HttpServing {
  /** Where: a URL without path. */
  readonly place: string;
  /** Whether with a page. */
  readonly page: boolean;
  /** Ends it. */
  close(): Promise<void>;
}

/**
 * Begins to serve metrics, if that is wanted.
 *
 * @param values where, and whether with a page
 * @param read what they are made of
 * @param status what `/status` tells besides
 * @param world all that it touches
 * @returns what ends it, and where it is
 * @throws {NTPError} if it cannot listen there
 */
export async function serveHttp(
  { http: address, page }: HttpValues,
  read: () => MetricsInput,
  status: StatusServerOptions["status"],
  world: World,
): Promise<HttpServing | undefined> {
  if (address === undefined) return undefined;
  const options = { read, page, timers: world.timers, ...(status && { status }) };
  const server: StatusServing = world.makeStatus?.(options) ?? new StatusServer(options);
  const { hostname, port } = await server.listen(address);
  const place = `http://${addressText({ hostname, port })}`;
  return { place, page, close: () => server.close() };
}

/** What is served, and where, in a line. */
export function httpText({ place, page }: HttpServing): string {
  return `${page ? `page at ${place}/, ` : ""}metrics at ${place}/metrics`;
}
