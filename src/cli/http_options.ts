import type { MetricsInput } from "../metrics/metrics_text.ts";
import { StatusServer, type StatusServerOptions } from "../metrics/status_server.ts";
import { readHost } from "./host.ts";
import { type Option, readWhole } from "./option.ts";
import { addressText } from "./sample_text.ts";
import { UsageError } from "./usage_error.ts";
import type { World } from "./world.ts";

/** How the help says what it is. */
export const HTTP_HELP: string = `
With --http there are /metrics for Prometheus, /status as JSON, and /healthz,
which is 503 while the clock is not synchronised, at this address by HTTP: of
this computer alone, unless a HOST is named. Nobody is asked who he is.
`.trim();

/** Where to serve metrics. */
export interface HttpAddress {
  readonly hostname: string;
  readonly port: number;
}

/** The option that wants metrics. */
export const HTTP_OPTIONS: { readonly http: Option<HttpAddress | undefined> } = {
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

/** What serves metrics. */
export type StatusServing = Pick<StatusServer, "listen" | "close">;

/**
 * Begins to serve metrics, if that is wanted.
 *
 * @param address where; undefined: nowhere
 * @param read what they are made of
 * @param status what `/status` tells besides
 * @param world all that it touches
 * @returns what ends it, and where it is
 * @throws {NTPError} if it cannot listen there
 */
export async function serveHttp(
  address: HttpAddress | undefined,
  read: () => MetricsInput,
  status: StatusServerOptions["status"],
  world: World,
): Promise<{ readonly place: string; close(): Promise<void> } | undefined> {
  if (address === undefined) return undefined;
  const options = { read, ...(status && { status }) };
  const server: StatusServing = world.makeStatus?.(options) ?? new StatusServer(options);
  const { hostname, port } = await server.listen(address);
  return { place: `http://${addressText({ hostname, port })}`, close: () => server.close() };
}
