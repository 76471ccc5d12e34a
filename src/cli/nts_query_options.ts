import { KE_PORT } from "../nts/ke/establish_options.ts";
import { NtsClient } from "../nts/nts_client.ts";
import type { QueryOptions } from "../client/options.ts";
import { systemNts } from "./nts_world.ts";
import { flag, type Option, text, whole } from "./option.ts";
import { readText } from "./read_text.ts";
import { UsageError } from "./usage_error.ts";
import type { World } from "./world.ts";

/** How the help says what the options mean. */
export const NTS_QUERY_HELP: string = `
With --nts each HOST is a server of NTS key exchange, at its port or --nts-port.
It proves by its certificate who it is and names the server to ask; only answers
that are authenticated count. A certificate is good for some time, so the clock
of this computer must not be off by weeks.
`.trim();

/** The same for a clock that is kept. */
export const NTS_SYNC_HELP: string = `
With --nts each HOST, and each address of a pool, is a server of NTS key
exchange, at its port or --nts-port. It proves by its certificate who it is and
names the server to ask; nothing but what is authenticated is ever believed.
`.trim();

/** The values of the options. */
export interface NtsQueryValues {
  readonly nts: boolean;
  readonly ca: string | undefined;
  readonly ntsPort: number | undefined;
}

/** Options of a query with NTS. */
export const NTS_QUERY_OPTIONS: { [K in keyof NtsQueryValues]: Option<NtsQueryValues[K]> } = {
  nts: flag({ help: "exchange keys with HOST (NTS); only authenticated answers count" }),
  ca: text({
    value: "FILE",
    initial: undefined,
    initialText: "those that the system trusts",
    help: "certificates of those who may sign HOST's, in PEM",
  }),
  ntsPort: whole({
    value: "PORT",
    least: 1,
    most: 65535,
    initial: undefined,
    initialText: `${KE_PORT}`,
    help: "port of the key exchange, where HOST has none",
  }),
};

/** What else was given, which may not go with NTS. */
interface Others {
  readonly key: unknown;
  /** Whether there is a port that is not NTP's. */
  readonly otherPort: boolean;
  readonly protocol: number;
}

/**
 * Checks that the options make sense together.
 *
 * @throws {UsageError} if they do not
 */
export function checkNtsQuery({ nts, ca, ntsPort }: NtsQueryValues, others: Others): void {
  if (!nts) {
    if (ca !== undefined) throw new UsageError("--ca is for --nts, which is not there");
    if (ntsPort !== undefined) throw new UsageError("--nts-port is for --nts, which is not there");
    return;
  }
  if (others.key !== undefined) {
    throw new UsageError("--key and --nts exclude each other: a server has one of them");
  }
  if (others.otherPort) {
    throw new UsageError(
      "--port does not go with --nts: the key exchange tells the port; its own is --nts-port",
    );
  }
  if (others.protocol !== 4) {
    throw new UsageError(`--nts is for version 4, not --protocol ${others.protocol}`);
  }
}

/**
 * What makes the sessions.
 *
 * @param given the options
 * @param options those of all queries: timeout, resolver
 * @param world all that it touches
 * @returns `undefined` without NTS
 * @throws {NTPError} if the file of `--ca` cannot be read
 */
export async function ntsClient(
  { nts, ca: path }: NtsQueryValues,
  { timeoutMs, timers, resolve }: Pick<QueryOptions, "timeoutMs" | "timers" | "resolve">,
  world: World,
): Promise<NtsClient | undefined> {
  if (!nts) return undefined;
  const ca = path === undefined ? undefined : await readText(path, world);
  if (ca !== undefined && !ca.includes("-----BEGIN")) {
    throw new UsageError(`--ca: there is no certificate in PEM in ${path}`);
  }
  return new NtsClient({
    establish: (world.nts ?? systemNts).establish,
    ...(ca !== undefined && { ca }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(timers !== undefined && { timers }),
    ...(resolve !== undefined && { resolve }),
  });
}
