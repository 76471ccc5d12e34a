import type { PeerSample } from "../association/events.ts";
import { NTPBroadcastClient } from "../association/ntp_broadcast_client.ts";
import { timestampToUnixNanoseconds } from "../packet/timestamp.ts";
import { joinGroups } from "../transport/join_groups.ts";
import { type Command, command } from "./command.ts";
import { everySecond } from "./every_second.ts";
import { GROUP_HELP, networkInterface, readGroup } from "./group_options.ts";
import { checkKeyFormat, keyFormat, loadKeys } from "./key_options.ts";
import { broadcastToJson } from "./listen_json.ts";
import { describeHeard, ListenNotes } from "./listen_notes.ts";
import { LISTEN_COLUMNS, listenRow } from "./listen_table.ts";
import { duration, DURATION_HELP, flag, text, whole } from "./option.ts";
import { say } from "./say.ts";
import { GrowingTable } from "./table.ts";
import { asUsage, UsageError } from "./usage_error.ts";
import type { World } from "./world.ts";

/** The groups of NTP, on the link and beyond (IANA). */
const GROUPS = ["224.0.1.1", "ff02::101"];

const DETAILS = `
Prints a line for each broadcast that it believes, until SIGINT (Ctrl+C) or
SIGTERM: when it came, from whom, and how far the clock of this computer is off.
That clock is not set. Broadcasts of the subnet are always heard; without GROUP,
those to ${GROUPS.join(" and ")} too, where they can be joined.

${GROUP_HELP}
${DURATION_HELP}

offset    what to add to the clock of this computer; positive: it is behind
delay     the way there and back: unless --delay says it, a server is asked for
          it when it is first heard (the volley, a few seconds), and its
          broadcasts count from then on; if it does not answer, it is asked
          again a minute later
auth      what shows that the broadcast is the server's

FILE is a key file as of ntps keygen, chronyd or ntpd. Broadcasts that are not
signed with one of its keys are ignored, but for --unauthenticated. What else is
said is on standard error, once a second at most: volleys, servers that fall
silent, and how many datagrams were ignored and why (authentication: not signed
as they must be; replayed: no newer than the last one; uncalibrated: the delay
is not known yet; mode, malformed: no broadcast).

With --json: a line with an object for each broadcast: \`address\`, \`port\`,
\`time\`, \`offset\`, \`delay\`, \`dispersion\`, \`rootDistance\`, \`authentication\`
("key" or "none"), \`packet\` (as of ntps decode). Durations are seconds; times
are ISO 8601 with nanoseconds.

Exit status: 0 ended by a signal, with a line at least; 1 without one, or it
could not start; 2 wrong arguments.
`;

const NAME = "ntps listen";

/**
 * The default groups that can be joined.
 *
 * @param interfaces where; none: where the routes tell
 * @param note told which cannot, and why
 * @throws {NTPError} if none of them can be joined on interfaces that were named
 */
async function joinableGroups(
  interfaces: readonly string[] | undefined,
  { bind, clock }: World,
  note: (text: string) => void,
): Promise<string[]> {
  const transport = await bind({ multicast: true, clock, onDatagram() {} });
  const joinable: string[] = [], errors: unknown[] = [];
  for (const group of GROUPS) {
    try {
      joinGroups(transport, [group], interfaces);
      joinable.push(group);
    } catch (error) {
      errors.push(error);
    }
  }
  await transport.close();
  if (joinable.length === 0 && interfaces !== undefined) throw errors[0];
  for (const error of errors) note((error as Error).message);
  return joinable;
}

/** `ntps listen`. */
export const listen: Command = command({
  summary: "Print what time servers broadcast",
  operands: "[GROUP…]",
  operandCount: [0, Infinity],
  details: DETAILS,
  options: {
    port: whole({
      letter: "p",
      value: "PORT",
      least: 1,
      most: 65535,
      initial: 123,
      help: "port to listen at, to which servers broadcast",
    }),
    interface: networkInterface,
    keys: text({ value: "FILE", initial: undefined, help: "key file of the servers' keys" }),
    keyFormat,
    unauthenticated: flag({ help: "believe broadcasts that are not signed, too" }),
    delay: duration({
      positive: false,
      initial: undefined,
      initialText: "asked for",
      help: "the way there and back, where nobody is to be asked for it",
    }),
    json: flag({ help: "print JSON instead of a table" }),
  },
  async run(values, operands, world) {
    const { delay, unauthenticated, keys: path, port } = values;
    const given = operands.map((operand) => readGroup(operand).text);
    if (path === undefined && !unauthenticated) {
      throw new UsageError(
        "--keys is missing: broadcasts are believed only if they are signed; or give " +
          "--unauthenticated where you trust everybody on the network",
      );
    }
    checkKeyFormat("--keys", path, values.keyFormat);
    const note = (line: string) => say(world.stderr, `${NAME}: ${line}`);
    const keys = path === undefined
      ? undefined
      : await loadKeys(path, values.keyFormat, NAME, world);
    const networkInterfaces = values.interface.length > 0 ? values.interface : undefined;
    const groups = given.length > 0 ? given : await joinableGroups(networkInterfaces, world, note);

    const rows = new GrowingTable(LISTEN_COLUMNS, world.stdout);
    const notes = new ListenNotes();
    const tell = (sample: PeerSample) => {
      if (!values.json) return rows.add(listenRow(sample));
      const pivot = timestampToUnixNanoseconds(sample.destinationTimestamp);
      world.stdout.write(`${JSON.stringify(broadcastToJson(sample, pivot))}\n`);
    };
    const client = asUsage(() =>
      new NTPBroadcastClient({
        ...world.queryOptions?.random && { random: world.queryOptions.random },
        clock: world.clock,
        timers: world.timers,
        bind: world.bind,
        port,
        groups,
        ...(networkInterfaces && { networkInterfaces }),
        ...(keys && { keys }),
        allowUnauthenticated: unauthenticated,
        ...(delay !== undefined && { delay: delay / 1000 }),
        onSample: tell,
        onChange: (state, server) => notes.changed(state, server),
        onError: (error) => notes.failed(error),
      }), "--");

    // Listened for first: somebody may end us as soon as we say that we have begun.
    let stopListening = () => {};
    const ended = new Promise<string>((resolve) => stopListening = world.onSignal(resolve));
    try {
      await client.listen();
    } catch (error) {
      stopListening();
      throw error;
    }
    note(
      `listening at port ${port} to broadcasts${groups.length > 0 ? " and " : ""}${
        groups.join(", ")
      }`,
    );
    const tellNotes = () => {
      const news = notes.take(client.statistics());
      if (news.length > 0) note(news.join("; "));
    };
    const stopWatching = everySecond(world.timers, tellNotes);
    const signal = await ended;
    stopListening();
    stopWatching();
    await client.close();
    const heard = client.statistics();
    note(`ended by ${signal}: ${describeHeard(heard)}`);
    return heard.servers.some(({ samples }) => samples > 0) ? 0 : 1;
  },
});
