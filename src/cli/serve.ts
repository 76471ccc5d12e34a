import type { KeyStore } from "../auth/key_store.ts";
import { parseIpAddress } from "../packet/ip_address.ts";
import { NTPServer } from "../server/ntp_server.ts";
import { Endpoint } from "../transport/endpoint.ts";
import { ACCESS_HELP, ACCESS_OPTIONS, accessRules } from "./access_options.ts";
import { BROADCAST_OPTIONS } from "./broadcast_options.ts";
import { type Command, command } from "./command.ts";
import { everySecond } from "./every_second.ts";
import { type Group, GROUP_HELP, networkInterface, readGroup } from "./group_options.ts";
import { keyFormat, keyNamed, loadKeys } from "./key_options.ts";
import { checkHttp, HTTP_HELP, HTTP_OPTIONS, httpText, serveHttp } from "./http_options.ts";
import { LEAP_HELP, LEAP_OPTIONS, leapingClock, type Leaps, readLeaps } from "./leap_options.ts";
import { checkNtsServe, NTS_SERVE_HELP, NTS_SERVE_OPTIONS } from "./nts_serve_options.ts";
import { type Option, text, texts, whole } from "./option.ts";
import { readUser, type UserName } from "./become_user.ts";
import { PEER_HELP, PEER_OPTIONS, signingKey } from "./peer_options.ts";
import { RATE_LIMIT_HELP, rateLimit } from "./rate_limit_option.ts";
import { HOLDOVER_HELP, REFCLOCK_HELP, REFCLOCK_OPTIONS } from "./refclock_option.ts";
import { syncStatus } from "./sync_json.ts";
import { type LastError, ServeAssociations } from "./serve_associations.ts";
import { CONFIG_HELP, SERVE_SECTIONS } from "./serve_config.ts";
import { listenAt } from "./serve_listen.ts";
import { checkLog, LinePace, LOG_HELP, LOG_OPTIONS, ServeLog } from "./serve_log.ts";
import { ServeNts } from "./serve_nts.ts";
import { ServeRefclocks } from "./serve_refclocks.ts";
import { reload } from "./serve_reload.ts";
import { type Activity, describeActivity, differs, hasFailed } from "./server_log.ts";
import { type ServiceManager, tellServiceManager } from "./service_manager.ts";
import { checkServeValues, type ServeValues } from "./serve_values.ts";
import { describeSockets, socketsOf, transport } from "./transport_option.ts";
import { UsageError } from "./usage_error.ts";
import type { World } from "./world.ts";

const DETAILS = `
Serves the clock of this computer, to everybody who asks if nothing else is
said, until SIGINT (Ctrl+C) or SIGTERM. Port 123 needs privileges. Stratum 1 is
for computers whose clock is set by a reference clock; clients believe them more
than others.

With --refclock the time of reference clocks is served instead, at stratum 1;
the clock of this computer does not matter. Before one of them has told the
time, clients hear that the server is not synchronised.

${REFCLOCK_HELP}

${HOLDOVER_HELP}

${LEAP_HELP}

${HTTP_HELP}

${CONFIG_HELP}

${ACCESS_HELP}

${RATE_LIMIT_HELP}

FILE is a key file as of ntps keygen, chronyd or ntpd. Who asks with one of its
keys is answered with it, and with a crypto-NAK if the key is wrong; who asks
without is answered too, but for --require-auth.

${NTS_SERVE_HELP}

Broadcasts and multicasts go to the port that the server listens at. Without
--key nobody should believe them. At stratum 16 there are none.

${GROUP_HELP}

${PEER_HELP}

If something happened, a line says how many requests were answered, kissed or
answered with a crypto-NAK, how many datagrams were dropped and why, how many
clients exchanged keys or could not, what was broadcast, and what the peers do.

${LOG_HELP}

With --user, root starts it (on Deno with -A) and its rights end once all ports
are bound. Files
that are read anew later must be readable to that user. It does not go with
--workers, whose successors would have to bind the port again: give the right to
bind it instead (CAP_NET_BIND_SERVICE), as packaging/ntps.service does.

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

function makeServer(
  given: ServeValues,
  { keys, leaps, nts, refclocks }: {
    readonly keys: KeyStore | undefined;
    readonly leaps: Leaps;
    readonly nts: ServeNts | undefined;
    readonly refclocks: ServeRefclocks | undefined;
  },
  world: World,
  errors: LastError,
): NTPServer {
  const { refid, stratum = initialStratum(refid), rateLimit } = given;
  const access = accessRules(given);
  return new NTPServer({
    clock: refclocks?.clock ?? leapingClock(world.clock, leaps),
    stratum,
    refid: refid ?? (stratum <= 1 ? PRIMARY_REFID : LOCAL_REFID),
    ...(access.length > 0 && { access }),
    ...(rateLimit && { rateLimit }),
    ...(keys && { keys }),
    countPrefixes: given.page,
    ...(nts && { nts: nts.responder }),
    ...socketsOf(world, given.transport),
    onError: (error) => errors.last = error,
  });
}

/** What begins the log: where the server listens, what it says of itself, and what else it does. */
function describeStart(
  server: NTPServer,
  given: ServeValues,
  { nts, refclocks }: {
    readonly nts: ServeNts | undefined;
    readonly refclocks: ServeRefclocks | undefined;
  },
  associations: ServeAssociations,
): string {
  const { addresses } = server;
  const places = addresses.map(({ hostname, port }) => `${new Endpoint(hostname, port)}`);
  const adapters = new Set(addresses.map(describeSockets));
  const { group } = given;
  return [
    `listening at ${places.join(", ")} (${[...adapters].join(", ")})`,
    ...(given.workers > 0 ? [`workers: ${server.statistics().workers?.serving}`] : []),
    refclocks?.describe() ?? `stratum ${Math.max(1, server.stratum)}, reference ${server.refid}`,
    ...(group.length > 0 ? [`in group ${group.map(({ text }) => text).join(", ")}`] : []),
    ...(nts?.describe() ?? []),
    ...associations.describe(),
  ].join("; ");
}

const group: Option<readonly Group[]> = {
  value: "GROUP",
  repeatable: true,
  initial: [],
  help:
    "listen in this group, for manycast clients to find the server; may be given more than once",
  read: (given, name) => given.map((one) => readGroup(one, `${name}: `)),
};

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
      help: "address to listen at; may be given more than once",
    }),
    stratum: whole({
      letter: "s",
      value: "N",
      least: 0,
      most: 16,
      initial: undefined,
      initialText: `1 if ID names a clock, else ${LOCAL_STRATUM}`,
      help: "stratum to announce; 0 is announced as 1, 16 means not synchronised",
    }),
    refid: text({
      value: "ID",
      initial: undefined,
      initialText: `${PRIMARY_REFID} at stratum 1, else ${LOCAL_REFID}`,
      help: "reference to announce: one to four characters for a clock, or an IP address",
    }),
    ...REFCLOCK_OPTIONS,
    ...LEAP_OPTIONS,
    ...HTTP_OPTIONS,
    keys: text({ value: "FILE", initial: undefined, help: "key file of the clients' keys" }),
    keyFormat,
    ...NTS_SERVE_OPTIONS,
    ...ACCESS_OPTIONS,
    rateLimit,
    ...BROADCAST_OPTIONS,
    group,
    interface: networkInterface,
    ...PEER_OPTIONS,
    key: signingKey,
    transport,
    workers: whole({
      letter: "w",
      value: "N",
      least: 0,
      most: 64,
      initial: 0,
      help: "serve each address by N threads with native sockets; 0: by the main thread",
    }),
    user: {
      value: "USER[:GROUP]",
      initial: undefined,
      initialText: "stay who starts it",
      help: "give root's rights up once the ports are bound",
      read: ([given], name) => readUser(given!, name),
    } satisfies Option<UserName | undefined> as Option<UserName | undefined>,
    ...LOG_OPTIONS,
  },
  config: SERVE_SECTIONS,
  check(values) {
    checkServeValues(values);
    checkNtsServe(values);
    checkHttp(values);
    checkLog(values);
    if (values.user !== undefined && values.workers > 0) {
      throw new UsageError("--user does not go with --workers, which must be able to bind again");
    }
  },
  async run(values, _operands, world, reread) {
    const { keys: path, key: id } = values;
    const keysOf = async ({ keys, keyFormat }: Pick<ServeValues, "keys" | "keyFormat">) =>
      keys === undefined ? undefined : await loadKeys(keys, keyFormat, NAME, world);
    const keys = await keysOf(values);
    const key = id === undefined ? undefined : keyNamed(keys!, { id, path: path! });
    const errors: LastError = {};
    const log = new ServeLog(NAME, values, world);
    const leaps = await readLeaps(values, NAME, world);
    const nts = await ServeNts.open(values, {
      world,
      onError: ({ message }) => log.bounded("warning", message),
    });
    const refclocks = values.refclock.length === 0
      ? undefined
      : new ServeRefclocks(values.refclock, world);
    const server = makeServer(values, { keys, leaps, nts, refclocks }, world, errors);
    const ending = new AbortController();
    const { signal } = ending;
    const associations = new ServeAssociations(server, { ...values, key }, {
      world,
      errors,
      signal,
    });
    // Listened for first: somebody may end us as soon as we say that we have begun.
    let stopListening = () => {};
    const ended = new Promise<string>((resolve) => stopListening = world.onSignal(resolve));
    void ended.then(() => ending.abort());
    let http: Awaited<ReturnType<typeof serveHttp>>, manager: ServiceManager | undefined;
    const end = async () => {
      stopListening();
      ending.abort();
      await Promise.all([server.close(), nts?.close(), refclocks?.ended, http?.close()]);
    };
    const metrics = () => ({
      server: server.statistics(),
      clock: server.clock.state(),
      keyExchange: nts?.statistics,
      ntsCookies: nts?.responder.cookies,
      sync: refclocks?.sync,
    });
    try {
      await listenAt(server, values);
      await nts?.start(values.address, server.addresses[0]!.port);
      await associations.start((warning) => log.write("warning", warning));
      http = await serveHttp(values, metrics, () => syncStatus(refclocks?.sync), world);
      manager = await world.serviceManager?.();
      if (values.user !== undefined) await world.becomeUser?.(values.user);
    } catch (error) {
      await end();
      throw error;
    }
    log.write("notice", describeStart(server, values, { nts, refclocks }, associations));
    if (http !== undefined) log.write("notice", httpText(http));
    const stopTelling = tellServiceManager(manager, world.timers);
    const parts = { server, nts, started: values, reread, loadKeys: keysOf };
    const stopReloading = world.onReload(() => {
      void reload(parts).then(({ done, lines }) => {
        for (const line of lines) log.write(done ? "notice" : "error", line);
      });
    });
    refclocks?.start({ leaps, maxHoldoverMs: values.maxHoldover, signal });

    const look = (): Activity => ({
      ...server.statistics(),
      broadcasts: associations.broadcasts,
      keyExchange: nts?.statistics,
    });
    let before = look();
    const pace = new LinePace();
    const stopWatching = everySecond(world.timers, () => {
      log.tick();
      pace.tick();
      const news = refclocks?.take() ?? [];
      if (news.length > 0) log.write("notice", news.join("; "));
      const now = look(), isActive = differs(now, before);
      // What there is no room for now is told with what comes later.
      if (!(isActive || associations.log.hasNews) || !pace.take()) return;
      const failed = hasFailed(now, before);
      const parts = isActive ? [describeActivity(now, before)] : [];
      if (failed) parts[0] += ` (${errors.last?.message})`;
      parts.push(...associations.log.take());
      before = now;
      log.write(failed ? "error" : "info", parts.join("; "), true);
    });
    const name = await ended;
    stopWatching();
    stopReloading();
    stopTelling();
    await end();
    log.write("notice", `ended by ${name}: ${describeActivity(look())} in all`);
    return 0;
  },
});
