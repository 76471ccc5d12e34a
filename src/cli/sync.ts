import { NTPServer } from "../server/ntp_server.ts";
import { NTPSync } from "../sync/ntp_sync.ts";
import type { Version } from "../packet/packet.ts";
import { type Command, command } from "./command.ts";
import { readDrift, writeDrift } from "./drift_file.ts";
import { everySecond } from "./every_second.ts";
import { readHost } from "./host.ts";
import { checkKeyFormat, key, keyFormat, keyNamed, loadKeys } from "./key_options.ts";
import { checkNtsQuery, NTS_QUERY_OPTIONS, NTS_SYNC_HELP, ntsClient } from "./nts_query_options.ts";
import { checkHttp, HTTP_HELP, HTTP_OPTIONS, httpText, serveHttp } from "./http_options.ts";
import { LEAP_HELP, LEAP_OPTIONS, readLeaps } from "./leap_options.ts";
import { duration, DURATION_HELP, flag, text, texts, whole } from "./option.ts";
import { HOLDOVER_HELP, REFCLOCK_HELP, REFCLOCK_OPTIONS } from "./refclock_option.ts";
import { Redraw } from "./redraw.ts";
import { say } from "./say.ts";
import { openSteering, STEER_HELP, STEER_OPTIONS } from "./steer_options.ts";
import { syncStatus, syncToJson } from "./sync_json.ts";
import { syncText } from "./sync_table.ts";
import { UsageError } from "./usage_error.ts";

const DETAILS = `
Keeps a clock right by asking servers and reading reference clocks, and shows
how: a clock of its own, that of this computer is not touched but with --steer.
Ends at SIGINT (Ctrl+C), SIGTERM or after --duration. HOST may be NAME,
NAME:PORT, an IP address, or [IPV6]:PORT.

The first line is the clock: the time and the most that it may be wrong; what it
follows; what it still makes good; how much faster true time runs than the clock
of this computer; and leap seconds that are coming. Then a line for each source:

        how it is treated: * followed, and named as reference; + followed too;
        - would be, but others agree better, or are preferred; x falseticker;
        ~ too distant; ! no majority; s smears leap seconds unlike the others;
        ? silent, or without time
source  name, or address in a pool
str     stratum
poll    poll interval, log2 of seconds
reach   the last eight polls in octal: 377, all were answered
last    how long ago it last answered
offset  how far it is ahead of the clock
± error how wrong its time can be at most
n, runs, span, ppm, skew, std dev
        a line through its latest offsets: samples; runs of residuals of one
        sign; time that they span; its frequency against the clock; bound of the
        error of that; standard deviation of the samples
auth    where any is authenticated: by which, NTS or a key

On a terminal these are written over each second, else written again when a
source is treated otherwise than before, and at the end.

With --json: a line with one object, when something was heard, once a second at
most: \`time\`, \`maxError\`, \`synchronized\`, \`leapIndicator\`, \`stratum\`,
\`reference\`, \`rootDelay\`, \`rootDispersion\`, \`remaining\`, \`frequency\`,
\`frequencyDeviation\`, \`sources\`, \`problems\`. Durations are seconds, rates
seconds per second; times are ISO 8601 with nanoseconds.

${NTS_SYNC_HELP}

${REFCLOCK_HELP}

${HOLDOVER_HELP}

${LEAP_HELP}

${HTTP_HELP}

${STEER_HELP}

FILE of --drift keeps the frequency from one run to the next, in parts per
million. FILE of --key is a key file as of ntps keygen, chronyd or ntpd.
${DURATION_HELP}

Exit status: 0 the clock was set; 1 it could not be, or a file cannot be read or
written; 2 wrong arguments; 130 interrupted before it was set.
`;

const NAME = "ntps sync";
const NTP_PORT = 123;
/** Seconds between two looks at whether the frequency is to be kept: an hour. */
const DRIFT_INTERVAL = 3600;
/** Exit status of what SIGINT ended, as in shells. */
const INTERRUPTED = 130;

/** `ntps sync`. */
export const sync: Command = command({
  summary: "Keep a clock right by asking servers, and show how",
  operands: "[HOST…]",
  operandCount: [0, Infinity],
  details: DETAILS,
  options: {
    pool: texts({
      value: "NAME",
      help: "ask several addresses of this name; may be given more than once",
    }),
    ...REFCLOCK_OPTIONS,
    port: whole({
      letter: "p",
      value: "PORT",
      least: 1,
      most: 65535,
      initial: NTP_PORT,
      help: "port to ask, where HOST has none",
    }),
    minPoll: whole({
      value: "POLL",
      least: 0,
      most: 17,
      initial: 6,
      help: "shortest time between two requests to a server, log2 of seconds",
    }),
    maxPoll: whole({
      value: "POLL",
      least: 0,
      most: 17,
      initial: undefined,
      initialText: "10, or --min-poll if that is more",
      help: "longest time between two requests to a server",
    }),
    protocol: whole({
      value: "VERSION",
      least: 1,
      most: 4,
      initial: 4,
      help: "NTP version to ask in, 1 to 4",
    }),
    ipv4: flag({ letter: "4", help: "ask IPv4 addresses only" }),
    ipv6: flag({ letter: "6", help: "ask IPv6 addresses only" }),
    key,
    keyFormat,
    ...NTS_QUERY_OPTIONS,
    ...LEAP_OPTIONS,
    ...HTTP_OPTIONS,
    ...STEER_OPTIONS,
    drift: text({ value: "FILE", initial: undefined, help: "keep the frequency in this file" }),
    timeout: duration({
      letter: "t",
      positive: true,
      initial: 15_000,
      initialText: "15s",
      help: "how long to wait until the clock is set",
    }),
    duration: duration({
      letter: "d",
      positive: true,
      initial: undefined,
      initialText: "until a signal",
      help: "end after this time",
    }),
    serve: whole({
      letter: "s",
      value: "PORT",
      least: 0,
      most: 65535,
      initial: undefined,
      initialText: "do not",
      help: "serve the right time at this port",
    }),
    json: flag({ help: "print JSON lines instead of a table" }),
  },
  async run(values, operands, world) {
    if (values.ipv4 && values.ipv6) {
      throw new UsageError("--ipv4 and --ipv6 exclude each other: leave both out to ask either");
    }
    const hosts = operands.map(readHost), pools = values.pool.map(readHost);
    if (hosts.length + pools.length + values.refclock.length === 0) {
      throw new UsageError("there is nobody to ask: name a HOST, a --pool or a --refclock");
    }
    const { minPoll, maxPoll = Math.max(10, minPoll) } = values;
    if (minPoll > maxPoll) {
      throw new UsageError(`--min-poll, ${minPoll}, is above --max-poll, ${maxPoll}`);
    }
    checkKeyFormat("--key", values.key, values.keyFormat);
    checkHttp(values);
    const keys = values.key && await loadKeys(values.key.path, values.keyFormat, NAME, world);
    const frequency = values.drift === undefined ? undefined : await readDrift(values.drift, world);
    const { nts: isNts, ntsPort, port, protocol } = values;
    checkNtsQuery(values, { key: values.key, otherPort: port !== NTP_PORT, protocol });
    const nts = await ntsClient(values, world.queryOptions ?? {}, world);
    const leaps = await readLeaps(values, NAME, world);
    const tell = (line: string) => say(world.stderr, `${NAME}: ${line}`);
    const steering = await openSteering(values, world, tell);
    const how = {
      ...{ minPoll, maxPoll, version: protocol as Version },
      ...(keys && { key: keyNamed(keys, values.key!) }),
      ...(values.ipv4 && { family: 4 as const }),
      ...(values.ipv6 && { family: 6 as const }),
    };
    const server = ({ hostname, port: own }: { hostname: string; port?: number }) => {
      if (!isNts) return { hostname, port: own ?? port, ...how };
      const keyExchange = own ?? ntsPort;
      return { hostname, nts: true as const, ...(keyExchange && { ntsPort: keyExchange }), ...how };
    };

    const giveUp = new AbortController();
    let isSet = false, end = () => {};
    const ended = new Promise<void>((resolve) => end = resolve);
    const stopListening = world.onSignal(() => {
      if (!isSet) giveUp.abort(); // else the sources are shown once more
      end();
    });
    let isNews = false, isChange = false;
    let running: NTPSync;
    try {
      running = await NTPSync.start({
        ...world.queryOptions,
        ...world.syncOptions,
        ...steering?.syncOptions,
        timers: world.timers,
        bind: world.bind,
        servers: hosts.map(server),
        pools: pools.map(server),
        ...(nts && { nts }),
        ...leaps,
        inputs: values.refclock.map(({ make }) => make(world.refclocks)),
        ...(values.maxHoldover !== undefined && { maxHoldover: values.maxHoldover / 1000 }),
        timeoutMs: values.timeout,
        signal: giveUp.signal,
        ...(frequency !== undefined && { frequency }),
        onUpdate: () => isNews = true,
        onChange: () => isChange = true,
      });
    } catch (error) {
      stopListening();
      if (giveUp.signal.aborted) return INTERRUPTED;
      throw error;
    }
    isSet = true;

    const screen = new Redraw(world.stdout);
    const isOver = world.stdout.terminal !== undefined;
    const show = () => {
      if (values.json) world.stdout.write(`${JSON.stringify(syncToJson(running))}\n`);
      else screen.show(syncText(running, world.stdout));
    };
    const keep = async () => {
      if (values.drift !== undefined) await writeDrift(values.drift, running.frequency, world);
    };
    const own = values.serve === undefined ? undefined : new NTPServer({
      clock: running.clock,
      bind: world.bind,
    });
    let seconds = 0, failure: unknown;
    let http: Awaited<ReturnType<typeof serveHttp>>;
    const metrics = () => ({
      sync: running,
      ...(own && { server: own.statistics(), clock: own.clock.state() }),
    });
    let stopWatching = () => {}, cancel = () => {};
    try {
      if (own !== undefined) {
        const { port } = await own.listen({ port: values.serve! });
        say(world.stderr, `${NAME}: serving at port ${port}`);
      }
      http = await serveHttp(values, metrics, () => syncStatus(running), world);
      if (http !== undefined) say(world.stderr, `${NAME}: ${httpText(http)}`);
      steering?.begin(running, (error) => {
        failure = error;
        end();
      });
      show();
      isNews = isChange = false;
      stopWatching = everySecond(world.timers, () => {
        if (values.json ? isNews : isOver || isChange) show();
        isNews = isChange = false;
        if (++seconds % DRIFT_INTERVAL === 0) {
          keep().catch((error) => {
            failure = error;
            end();
          });
        }
      });
      if (values.duration !== undefined) cancel = world.timers.after(values.duration, end);
      await ended;
      show();
      if (failure !== undefined) throw failure;
      await keep();
    } finally {
      stopListening();
      stopWatching();
      cancel();
      screen.end();
      steering?.end();
      await http?.close();
      await own?.close();
      await running.close();
    }
    return 0;
  },
});
