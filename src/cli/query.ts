import type { QueryOptions } from "../client/options.ts";
import { query as ask } from "../client/query.ts";
import { queryMany } from "../client/query_many.ts";
import type { NtsSession } from "../nts/nts_session.ts";
import type { Version } from "../packet/packet.ts";
import { type Command, command } from "./command.ts";
import { type Host, readHost } from "./host.ts";
import { checkKeyFormat, key, keyFormat, keyNamed, loadKeys } from "./key_options.ts";
import {
  checkNtsQuery,
  NTS_QUERY_HELP,
  NTS_QUERY_OPTIONS,
  ntsClient,
} from "./nts_query_options.ts";
import { duration, DURATION_HELP, flag, whole } from "./option.ts";
import { answerToJson, failureToJson } from "./query_json.ts";
import { type Answer, answersTable } from "./query_table.ts";
import { say } from "./say.ts";
import { socketsOf, transport } from "./transport_option.ts";
import { UsageError } from "./usage_error.ts";

const DETAILS = `
HOST is a name or an IP address, with a port if it has one of its own:
  pool.ntp.org  pool.ntp.org:12300  192.0.2.1  2001:db8::1  [2001:db8::1]:12300
${DURATION_HELP}

offset    what to add to the clock of this computer; positive: it is behind
delay     the way there and back
distance  root distance: how wrong the time may be once the offset is added, if
          the server tells the truth
auth      what shows that the answer is the server's; only with --key and --nts

FILE of --key is a key file as of ntps keygen, chronyd or ntpd.

${NTS_QUERY_HELP}

With --json: an array with an object for each HOST, in their order. \`host\` and
\`ok\` are always there; with ok: false, \`error\` { code, message }; with ok: true,
\`address\`, \`port\`, \`time\`, \`unixNanoseconds\` (text), \`offset\`, \`delay\`,
\`dispersion\`, \`rootDistance\`, \`jitter\`, \`authentication\` ("key", "nts" or
"none"), \`packet\` (as of ntps decode), \`samples\`, \`attempts\`. Durations are
seconds; times are ISO 8601 with nanoseconds.

Exit status: 0 every HOST gave the time; 1 one of them did not, or the key file
cannot be read; 2 wrong arguments; 130 interrupted.
`;

/** What became of a host. */
type Outcome = Answer | { host: Host; error: unknown };

const NAME = "ntps query";
const NTP_PORT = 123;
/** From so many hosts on they share sockets; fewer have one each, which tells who refuses. */
const MANY = 65;
/** Exit status of what SIGINT ended, as in shells. */
const INTERRUPTED = 130;

async function askHost(host: Host, options: QueryOptions): Promise<Outcome> {
  try {
    const port = host.port ?? options.port ?? NTP_PORT;
    return { host, result: await ask(host.hostname, { ...options, port }) };
  } catch (error) {
    return { host, error };
  }
}

/** What became of each host, in their order; `session` makes those of NTS. */
async function askAll(
  hosts: Host[],
  options: QueryOptions,
  session: ((host: Host) => NtsSession) | undefined,
): Promise<Outcome[]> {
  if (session !== undefined) {
    return await Promise.all(
      hosts.map((host) => askHost(host, { ...options, nts: session(host) })),
    );
  }
  if (hosts.length < MANY) return await Promise.all(hosts.map((host) => askHost(host, options)));
  const outcomes: Outcome[] = [];
  try {
    const servers = hosts.map(({ hostname, port }) => ({ hostname, ...(port && { port }) }));
    for await (const { index, result, error } of queryMany(servers, options)) {
      const host = hosts[index]!;
      outcomes[index] = result === undefined ? { host, error } : { host, result };
    }
  } catch (error) {
    for (const [i, host] of hosts.entries()) outcomes[i] ??= { host, error };
  }
  return outcomes;
}

function reasonOf({ text, hostname }: Host, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.includes(hostname) ? message : `${text}: ${message}`;
}

/** `ntps query`. */
export const query: Command = command({
  summary: "Ask time servers how far the clock of this computer is off",
  operands: "HOST…",
  operandCount: [1, Infinity],
  details: DETAILS,
  options: {
    port: whole({
      letter: "p",
      value: "PORT",
      least: 1,
      most: 65535,
      initial: NTP_PORT,
      help: "port to ask, where HOST has none",
    }),
    samples: whole({
      letter: "n",
      value: "N",
      least: 1,
      most: 1000,
      initial: 1,
      help: "ask N times; the one with the least delay counts",
    }),
    interval: duration({
      letter: "i",
      positive: false,
      initial: 2000,
      initialText: "2s",
      help: "time between these",
    }),
    timeout: duration({
      letter: "t",
      positive: true,
      initial: 5000,
      initialText: "5s",
      help: "how long to wait for each answer",
    }),
    retries: whole({
      letter: "r",
      value: "N",
      least: 0,
      most: 100,
      initial: 0,
      help: "ask an address that is silent N times more",
    }),
    ipv4: flag({ letter: "4", help: "ask IPv4 addresses only" }),
    ipv6: flag({ letter: "6", help: "ask IPv6 addresses only" }),
    protocol: whole({
      value: "VERSION",
      least: 1,
      most: 4,
      initial: 4,
      help: "NTP version to ask in, 1 to 4",
    }),
    key,
    keyFormat,
    ...NTS_QUERY_OPTIONS,
    transport,
    json: flag({ help: "print JSON instead of a table" }),
  },
  async run(values, operands, world) {
    if (values.ipv4 && values.ipv6) {
      throw new UsageError("--ipv4 and --ipv6 exclude each other: leave both out to ask either");
    }
    const hosts = operands.map(readHost);
    checkKeyFormat("--key", values.key, values.keyFormat);
    const { key, port, protocol } = values;
    checkNtsQuery(values, { key, otherPort: port !== NTP_PORT, protocol });
    const keys = values.key && await loadKeys(values.key.path, values.keyFormat, NAME, world);
    const controller = new AbortController();
    const options: QueryOptions = {
      ...world.queryOptions,
      clock: world.clock,
      timers: world.timers,
      ...socketsOf(world, values.transport),
      port: values.port,
      samples: values.samples,
      intervalMs: values.interval,
      timeoutMs: values.timeout,
      retries: values.retries,
      version: values.protocol as Version,
      signal: controller.signal,
      ...(keys && { key: keyNamed(keys, values.key!) }),
      ...(values.ipv4 && { family: 4 }),
      ...(values.ipv6 && { family: 6 }),
    };
    const nts = await ntsClient(values, options, world);
    const { family } = options,
      session = nts &&
        (({ hostname, port = values.ntsPort }: Host) =>
          nts.session(hostname, { ...(port && { port }), ...(family && { family }) }));
    const stopListening = world.onSignal(() => controller.abort());
    const outcomes = await askAll(hosts, options, session);
    stopListening();

    const answers = outcomes.filter((outcome) => "result" in outcome);
    const failures = outcomes.filter((outcome) => "error" in outcome);
    if (values.json) {
      const objects = outcomes.map((outcome) =>
        "result" in outcome
          ? answerToJson(outcome.host, outcome.result)
          : failureToJson(outcome.host, outcome.error)
      );
      world.stdout.write(`${JSON.stringify(objects, null, 2)}\n`);
    } else if (answers.length > 0) {
      const shown = {
        jitter: values.samples > 1,
        authentication: values.key !== undefined || values.nts,
      };
      world.stdout.write(answersTable(answers, shown, world.stdout));
    }
    for (const { host, error } of failures) {
      say(world.stderr, `${NAME}: ${reasonOf(host, error)}`);
    }
    if (controller.signal.aborted) return INTERRUPTED;
    return failures.length === 0 ? 0 : 1;
  },
});
