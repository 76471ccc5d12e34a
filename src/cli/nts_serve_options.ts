import { KE_PORT } from "../nts/ke/establish_options.ts";
import { type Host, readHost } from "./host.ts";
import { duration, type Option, text, whole } from "./option.ts";
import { UsageError } from "./usage_error.ts";

/** How the help says what the options mean. */
export const NTS_SERVE_HELP: string = `
With --nts-cert and --nts-key there is a server of NTS key exchange, and clients
that use it are answered authentically. The files are looked at once a minute,
and a renewed certificate is used from then on. The keys of cookies are lost at
the end, and clients exchange keys anew, but for --nts-keys, a file that the
server makes and keeps, or --nts-secret, a file of 32 bytes or more that many
servers behind one name or address share: then a client of one is a client of
all. Who has either file can read what it protects.
`.trim();

/** The values of the options. */
export interface NtsServeValues {
  readonly ntsCert: string | undefined;
  readonly ntsKey: string | undefined;
  readonly ntsPort: number | undefined;
  readonly ntsKeys: string | undefined;
  readonly ntsSecret: string | undefined;
  readonly ntsRotate: number | undefined;
  readonly ntsServer: Host | undefined;
}

const ntsServer: Option<Host | undefined> = {
  value: "HOST",
  initial: undefined,
  initialText: "this one",
  help: "NTP server that clients are told to ask; it shares --nts-secret",
  read: ([given]) => readHost(given!),
};

/** Options of a server with NTS. */
export const NTS_SERVE_OPTIONS: { [K in keyof NtsServeValues]: Option<NtsServeValues[K]> } = {
  ntsCert: text({
    value: "FILE",
    initial: undefined,
    help: "certificate for NTS, with those between it and its CA, in PEM",
  }),
  ntsKey: text({ value: "FILE", initial: undefined, help: "its private key, in PEM" }),
  ntsPort: whole({
    value: "PORT",
    least: 0,
    most: 65535,
    initial: undefined,
    initialText: `${KE_PORT}`,
    help: "port of the key exchange; 0: any free one",
  }),
  ntsKeys: text({
    value: "FILE",
    initial: undefined,
    help: "where the keys of cookies are kept; made if it is not there",
  }),
  ntsSecret: text({
    value: "FILE",
    initial: undefined,
    help: "secret that several servers derive the keys of cookies from",
  }),
  ntsRotate: duration({
    positive: true,
    initial: undefined,
    initialText: "1440min",
    help: "how long a key of cookies is the newest; cookies are good for two or three times that",
  }),
  ntsServer,
};

/**
 * Checks that the options make sense together.
 *
 * @throws {UsageError} if they do not
 */
export function checkNtsServe(given: NtsServeValues): void {
  const { ntsCert, ntsKey, ntsKeys, ntsSecret, ntsRotate } = given;
  if ((ntsCert === undefined) !== (ntsKey === undefined)) {
    throw new UsageError("--nts-cert and --nts-key go together: certificate and private key");
  }
  if (ntsKeys !== undefined && ntsSecret !== undefined) {
    throw new UsageError("--nts-keys and --nts-secret exclude each other: one server, or several");
  }
  if (ntsRotate !== undefined && ntsRotate < 1000) {
    throw new UsageError("--nts-rotate is a second or more");
  }
  if (ntsCert !== undefined) return;
  const alone = ([
    ["--nts-port", given.ntsPort],
    ["--nts-server", given.ntsServer],
    ["--nts-keys", ntsKeys],
  ] as const).find(([, value]) => value !== undefined);
  if (alone !== undefined) {
    throw new UsageError(`${alone[0]} needs --nts-cert and --nts-key: the key exchange`);
  }
  if (ntsRotate !== undefined && ntsSecret === undefined) {
    throw new UsageError("--nts-rotate is for NTS: --nts-cert and --nts-key, or --nts-secret");
  }
}
