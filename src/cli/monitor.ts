import { KissOfDeathError } from "../client/kiss_of_death_error.ts";
import type { QueryOptions } from "../client/options.ts";
import { query } from "../client/query.ts";
import { NTPError } from "../packet/error.ts";
import { timestampToUnixNanoseconds } from "../packet/timestamp.ts";
import { type Command, command } from "./command.ts";
import { type Host, readHost } from "./host.ts";
import { MonitoredHost, monitorText, type Sort, SORTS } from "./monitor_view.ts";
import { duration, DURATION_HELP, flag, whole } from "./option.ts";
import { CSV_HEAD, csvLine, jsonLine, type Observation } from "./recording.ts";
import { Redraw } from "./redraw.ts";
import { socketsOf, transport } from "./transport_option.ts";
import { UsageError } from "./usage_error.ts";
import type { World } from "./world.ts";

const DETAILS = `
Asks each HOST again and again, and shows how far the clock of this computer is
off, with plots of offset and delay. HOST is as for ntps query.
${DURATION_HELP}

Keys: q ends it; n, o, d and s sort by name as given, offset, delay, stratum.

With --csv or --json, or where standard output is no terminal, a line for each
answer instead, for a file that ntps report makes plots of:

  ntps monitor --csv --duration 60min ntp1.example.net ntp2.example.net > day.csv
  ntps report day.csv > day.html

CSV: time, host, offset, delay, distance, stratum, error; JSON has the same
names. Durations are seconds. Without an answer, error is why.

A server that asks for it is asked half as often from then on; one that denies
service, not again.

Exit status: 0 ended by q, a signal or --duration; 2 wrong arguments.
`;

const NTP_PORT = 123;
/** Interrupt from the keyboard (Ctrl+C), which a terminal in raw mode passes on. */
const INTERRUPT = "\x03";

/** Asks one server as long as it is wanted. */
class Poller {
  readonly #host: Host;
  readonly #options: QueryOptions;
  readonly #world: World;
  readonly #tell: (one: Observation) => void;
  #intervalMs: number;
  #cancel = () => {};
  #isAsking = false;
  #isOver = false;

  constructor(
    host: Host,
    { intervalMs, options, world, tell }: {
      readonly intervalMs: number;
      readonly options: QueryOptions;
      readonly world: World;
      readonly tell: (one: Observation) => void;
    },
  ) {
    this.#host = host;
    this.#options = { ...options, ...(host.port && { port: host.port }) };
    this.#world = world;
    this.#tell = tell;
    this.#intervalMs = intervalMs;
  }

  /** Asks now, and then at each interval. */
  async ask(): Promise<void> {
    const { text: host, hostname } = this.#host;
    const { clock, timers } = this.#world;
    this.#cancel = timers.after(this.#intervalMs, () => void this.ask());
    if (this.#isAsking) return; // a silent server is not asked twice at once
    this.#isAsking = true;
    const pivot = clock.unixNanoseconds?.();
    const at = Number(timestampToUnixNanoseconds(clock.now(), pivot) / 1000n) / 1e6;
    try {
      const { offset, delay, rootDistance, packet } = await query(hostname, this.#options);
      this.#tell({ at, host, offset, delay, distance: rootDistance, stratum: packet.stratum });
    } catch (error) {
      if (!(error instanceof NTPError)) throw error;
      if (error.code === "aborted") return;
      if (error instanceof KissOfDeathError) this.#heed(error.kissCode);
      this.#tell({ at, host, error: error.code });
    } finally {
      this.#isAsking = false;
    }
  }

  #heed(kissCode: string): void {
    this.#cancel();
    if (this.#isOver || kissCode !== "RATE") return; // DENY, RSTR and others: not again
    this.#intervalMs *= 2;
    this.#cancel = this.#world.timers.after(this.#intervalMs, () => void this.ask());
  }

  end(): void {
    this.#isOver = true;
    this.#cancel();
  }
}

/** `ntps monitor`. */
export const monitor: Command = command({
  summary: "Watch servers: offsets and delays, live",
  operands: "HOST…",
  operandCount: [1, 64],
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
    interval: duration({
      letter: "i",
      positive: true,
      initial: 8000,
      initialText: "8s",
      help: "time between two questions to a server, 1s at least",
    }),
    timeout: duration({
      letter: "t",
      positive: true,
      initial: 2000,
      initialText: "2s",
      help: "how long to wait for each answer",
    }),
    duration: duration({
      letter: "d",
      positive: true,
      initial: undefined,
      initialText: "until ended",
      help: "how long to go on",
    }),
    ipv4: flag({ letter: "4", help: "ask IPv4 addresses only" }),
    ipv6: flag({ letter: "6", help: "ask IPv6 addresses only" }),
    transport,
    csv: flag({ help: "print CSV" }),
    json: flag({ help: "print JSON lines" }),
  },
  check({ csv, json, interval, ipv4, ipv6 }) {
    if (csv && json) throw new UsageError("--csv and --json exclude each other: choose one");
    if (interval < 1000) {
      throw new UsageError("--interval is 1s at least: these are other people's servers");
    }
    if (ipv4 && ipv6) {
      throw new UsageError("--ipv4 and --ipv6 exclude each other: leave both out to ask either");
    }
  },
  async run(values, operands, world) {
    const hosts = operands.map(readHost);
    const { stdout } = world;
    const isRecording = values.csv || values.json || stdout.terminal === undefined;
    const line = values.json ? jsonLine : csvLine;
    const controller = new AbortController();
    let end = () => {};
    const ended = new Promise<void>((resolve) => end = resolve);
    const monitored = new Map(hosts.map(({ text }) => [text, new MonitoredHost(text)]));
    const screen = new Redraw(stdout);
    let by: Sort = "name", isOver = false;
    const show = () => {
      if (!isRecording && !isOver) screen.show(monitorText([...monitored.values()], by, stdout));
    };
    const options: QueryOptions = {
      ...world.queryOptions,
      clock: world.clock,
      timers: world.timers,
      ...socketsOf(world, values.transport),
      port: values.port,
      timeoutMs: values.timeout,
      signal: controller.signal,
      ...(values.ipv4 && { family: 4 }),
      ...(values.ipv6 && { family: 6 }),
    };
    const tell = (one: Observation) => {
      if (isOver) return;
      if (isRecording) stdout.write(`${line(one)}\n`);
      else monitored.get(one.host)!.add(one);
      show();
    };
    const pollers = [...monitored.keys()].map((text) =>
      new Poller(hosts.find((host) => host.text === text)!, {
        ...{ intervalMs: values.interval, options, world, tell },
      })
    );
    const stopListening = world.onSignal(end);
    const stopHangup = world.onReload(end); // SIGHUP has no other meaning here
    const stopKeys = isRecording ? undefined : world.onKey?.((key) => {
      if (key === "q" || key === INTERRUPT) return end();
      by = SORTS[key as keyof typeof SORTS] ?? by;
      show();
    });
    const cancel = values.duration === undefined
      ? () => {}
      : world.timers.after(values.duration, end);
    if (isRecording && !values.json) stdout.write(`${CSV_HEAD}\n`);
    try {
      show();
      const asked = pollers.map((poller) => poller.ask());
      await Promise.race([ended, Promise.all(asked).then(() => ended)]);
    } finally {
      isOver = true;
      for (const poller of pollers) poller.end();
      controller.abort();
      cancel();
      stopKeys?.();
      stopListening();
      stopHangup();
      screen.end();
    }
    return 0;
  },
});
