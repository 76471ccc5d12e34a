import { formatTimestamp } from "../packet/timestamp.ts";
import { NTPServer } from "../server/ntp_server.ts";
import { Endpoint } from "../transport/endpoint.ts";
import { type Command, command } from "./command.ts";
import { flag, text, texts, whole } from "./option.ts";
import { say } from "./say.ts";
import { describeStatistics, watchStatistics } from "./server_log.ts";
import { UsageError } from "./usage_error.ts";

const DETAILS = `
Serves the clock of this computer to everybody who asks, until SIGINT (Ctrl+C)
or SIGTERM. Port 123 needs privileges. Stratum 1 is for computers whose clock is
set by a reference clock; clients believe them more than others.

Once a second at most, and only if something happened, a line says how many
requests were answered and how many datagrams dropped, and why.

Exit status: 0 ended by a signal; 1 it could not start; 2 wrong arguments.
`;

/** Refids and strata of a computer that follows nothing, as other servers announce them. */
const LOCAL_STRATUM = 10, LOCAL_REFID = "127.127.1.1", PRIMARY_REFID = "LOCL";

/** Makes a server. All options but the reference identifier have been checked. */
function makeServer(...args: ConstructorParameters<typeof NTPServer>): NTPServer {
  try {
    return new NTPServer(...args);
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) {
      throw new UsageError(`--refid: ${error.message}`);
    }
    throw error;
  }
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
      help: "address to listen at; may be given more than once",
    }),
    stratum: whole({
      letter: "s",
      value: "N",
      least: 0,
      most: 16,
      initial: LOCAL_STRATUM,
      help: "stratum to announce; 0 is announced as 1, and\n16 means not synchronised",
    }),
    refid: text({
      value: "ID",
      initial: undefined,
      initialText: `${PRIMARY_REFID} at stratum 1, else ${LOCAL_REFID}`,
      help: "reference to announce: one to four characters, or\nan IP address",
    }),
    quiet: flag({ letter: "q", help: "log nothing but start, end and errors" }),
  },
  async run({ port, address, stratum, refid, quiet }, _operands, world) {
    const kinds = new Set<string>();
    let lastError = "";
    const server = makeServer({
      clock: world.clock,
      stratum,
      refid: refid ?? (stratum <= 1 ? PRIMARY_REFID : LOCAL_REFID),
      bind: async (options) => {
        const transport = await world.bind(options);
        kinds.add(transport.kind);
        return transport;
      },
      onError: ({ message }) => void (lastError = message),
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
    const places = server.addresses.map(({ hostname, port }) => `${new Endpoint(hostname, port)}`);
    log(
      `listening at ${places.join(", ")} (${[...kinds].join(", ")}); ` +
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
