import type { KeyFileFormat } from "../auth/key_secret.ts";
import { parseIpAddress } from "../packet/ip_address.ts";
import { formatTimestamp } from "../packet/timestamp.ts";
import { AccessList } from "../server/access.ts";
import { NTPServer } from "../server/ntp_server.ts";
import type { RateLimitOptions } from "../server/rate_limit_options.ts";
import { parseRefid } from "../server/system_variables.ts";
import { Endpoint } from "../transport/endpoint.ts";
import { ACCESS_HELP, ACCESS_OPTIONS, type AccessOptions, accessRules } from "./access_options.ts";
import { type Command, command } from "./command.ts";
import { checkKeyFormat, keyFormat, loadKeys } from "./key_options.ts";
import { flag, text, texts, whole } from "./option.ts";
import { RATE_LIMIT_HELP, rateLimit } from "./rate_limit_option.ts";
import { say } from "./say.ts";
import { describeStatistics, watchStatistics } from "./server_log.ts";
import { asUsage, UsageError } from "./usage_error.ts";
import type { World } from "./world.ts";

const DETAILS = `
Serves the clock of this computer, to everybody who asks if nothing else is
said, until SIGINT (Ctrl+C) or SIGTERM. Port 123 needs privileges. Stratum 1 is
for computers whose clock is set by a reference clock; clients believe them more
than others.

${ACCESS_HELP}

${RATE_LIMIT_HELP}

FILE is a key file as of ntps keygen, chronyd or ntpd. Who asks with one of its
keys is answered with it, and with a crypto-NAK if the key is wrong; who asks
without is answered too, but for --require-auth.

Once a second at most, and only if something happened, a line says how many
requests were answered, kissed or answered with a crypto-NAK, and how many
datagrams were dropped and why.

Exit status: 0 ended by a signal; 1 it could not start; 2 wrong arguments.
`;

const NAME = "ntps serve";
/** Refids and strata of a computer that follows nothing, as other servers announce them. */
const LOCAL_STRATUM = 10, LOCAL_REFID = "127.127.1.1", PRIMARY_REFID = "LOCL";

/** Who names a reference clock means to be a primary server. */
function initialStratum(refid: string | undefined): number {
  const isClock = refid !== undefined && parseIpAddress(refid, new Uint8Array(16)) === 0;
  return isClock ? 1 : LOCAL_STRATUM;
}

/** What the server is made of: values of the options. */
interface Parts extends AccessOptions<readonly string[]> {
  readonly stratum: number;
  readonly refid: string | undefined;
  readonly keys: string | undefined;
  readonly keyFormat: KeyFileFormat | undefined;
  readonly rateLimit: RateLimitOptions | undefined;
}

/** Makes the server, if the options make sense together. */
async function makeServer(
  parts: Parts,
  world: World,
  onError: (error: Error) => void,
): Promise<NTPServer> {
  const { stratum, refid, keys: path, rateLimit } = parts;
  const access = accessRules(parts);
  if (parts.limited.length > 0 && rateLimit === undefined) {
    throw new UsageError("--limited needs --rate-limit, alone or with a LIMIT");
  }
  if (parts.requireAuth.length > 0 && path === undefined) {
    throw new UsageError("--require-auth needs --keys: without, nobody there could be answered");
  }
  checkKeyFormat("--keys", path, parts.keyFormat);
  if (refid !== undefined) asUsage(() => parseRefid(refid), "--refid: ");
  asUsage(() => new AccessList(access));
  const keys = path && await loadKeys(path, parts.keyFormat, NAME, world);
  return new NTPServer({
    clock: world.clock,
    stratum,
    refid: refid ?? (stratum <= 1 ? PRIMARY_REFID : LOCAL_REFID),
    ...(access.length > 0 && { access }),
    ...(rateLimit && { rateLimit }),
    ...(keys && { keys }),
    bind: world.bind,
    onError,
  });
}

/** Listens at all addresses, or at none. Port 0 is the same one for all. */
async function listen(server: NTPServer, addresses: readonly string[], port: number) {
  try {
    if (addresses.length === 0) await server.listen({ port });
    for (const hostname of addresses) {
      await server.listen({ hostname, port: server.addresses[0]?.port ?? port });
    }
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** `ntps serve`. */
export const serve: Command = command({
  summary: "Serve the time of this computer",
  operands: "",
  operandCount: [0, 0],
  details: DETAILS,
  options: {
    port: whole({
      letter: "p",
      value: "PORT",
      least: 0,
      most: 65535,
      initial: 123,
      help: "port to listen at; 0: any free one",
    }),
    address: texts({
      letter: "a",
      value: "ADDRESS",
      initialText: "all",
      help: "address to listen at; may be given more than\nonce",
    }),
    stratum: whole({
      letter: "s",
      value: "N",
      least: 0,
      most: 16,
      initial: undefined,
      initialText: `1 if ID names a clock,\nelse ${LOCAL_STRATUM}`,
      help: "stratum to announce; 0 is announced as 1, 16\nmeans not synchronised",
    }),
    refid: text({
      value: "ID",
      initial: undefined,
      initialText: `${PRIMARY_REFID} at\nstratum 1, else ${LOCAL_REFID}`,
      help: "reference to announce: one to four characters\nfor a clock, or an IP address",
    }),
    keys: text({ value: "FILE", initial: undefined, help: "key file of the clients' keys" }),
    keyFormat,
    ...ACCESS_OPTIONS,
    rateLimit,
    quiet: flag({ letter: "q", help: "log nothing but start, end and errors" }),
  },
  async run(values, _operands, world) {
    const { port, address, refid, stratum = initialStratum(refid), quiet } = values;
    let lastError = "";
    const server = await makeServer({ ...values, stratum }, world, ({ message }) => {
      lastError = message;
    });
    const log = (line: string) => {
      const time = formatTimestamp(world.clock.now()).slice(0, "2026-11-23T12:00:00".length);
      say(world.stdout, `${time}Z ${line}`);
    };
    // Listened for first: somebody may end us as soon as we say that we have begun.
    let stopListening = () => {};
    const ended = new Promise<string>((resolve) => stopListening = world.onSignal(resolve));
    try {
      await listen(server, address, port);
    } catch (error) {
      stopListening();
      throw error;
    }
    const { addresses } = server;
    const places = addresses.map(({ hostname, port }) => `${new Endpoint(hostname, port)}`);
    const adapters = new Set(addresses.map(({ transport }) => transport));
    log(
      `listening at ${places.join(", ")} (${[...adapters].join(", ")}); ` +
        `stratum ${Math.max(1, stratum)}, reference ${server.refid}`,
    );

    const stopWatching = watchStatistics(server, world.timers, (now, before) => {
      const failed = now.errors > before.errors;
      if (quiet && !failed) return;
      log(describeStatistics(now, before) + (failed ? ` (${lastError})` : ""));
    });
    const signal = await ended;
    stopListening();
    stopWatching();
    await server.close();
    log(`ended by ${signal}: ${describeStatistics(server.statistics())} in all`);
    return 0;
  },
});
