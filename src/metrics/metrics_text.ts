import type { ClockState } from "../clock/clock.ts";
import type { KeServerStatistics } from "../nts/ke/ke_statistics.ts";
import type { ServerStatistics } from "../server/statistics.ts";
import type { NTPSync } from "../sync/ntp_sync.ts";
import type { SyncSourceStatus } from "../sync/sync_hub.ts";
import { type Labels, type MetricsFormat, MetricWriter } from "./metric_writer.ts";

/** What metrics are made of; what is absent has none. */
export interface MetricsInput {
  /** Of an `NTPServer`: `server.statistics()`. */
  readonly server?: ServerStatistics | undefined;
  /** Of the clock that is served: `server.clock.state()`. */
  readonly clock?: ClockState | undefined;
  /** Of an `NtsKeyExchangeServer`: `keyExchange.statistics()`. */
  readonly keyExchange?: KeServerStatistics | undefined;
  /** Cookies that an `NtsResponder` has sent: its `cookies`. */
  readonly ntsCookies?: number | undefined;
  /** A clock that follows others, with its sources. */
  readonly sync?: NTPSync | undefined;
}

/**
 * Metrics as Prometheus and all that understands OpenMetrics take them. Seconds everywhere; counters
 * begin with the server.
 *
 * @param input what they are made of
 * @param format which text. Default `"openmetrics"`
 *
 * @example What a server has done
 * ```ts
 * import { NTPServer } from "@ntps/ntps";
 * import { metricsText } from "@ntps/ntps/metrics";
 * import { assertStringIncludes } from "@std/assert";
 *
 * const server = new NTPServer();
 * const text = metricsText({ server: server.statistics(), clock: server.clock.state() });
 * assertStringIncludes(text, 'ntps_replies_total{kind="answer"} 0\n');
 * ```
 */
export function metricsText(input: MetricsInput, format: MetricsFormat = "openmetrics"): string {
  const writer = new MetricWriter(format);
  const { clock = input.sync?.clock.state(), keyExchange, server, sync } = input;
  if (server !== undefined) writeServer(writer, server);
  writer.add("ntps_nts_cookies", "counter", "Cookies sent with NTS replies.", [[input.ntsCookies]]);
  if (keyExchange !== undefined) writeKeyExchange(writer, keyExchange);
  if (clock !== undefined) writeClock(writer, clock);
  if (sync !== undefined) writeSync(writer, sync);
  return writer.end();
}

function writeServer(writer: MetricWriter, server: ServerStatistics): void {
  writer.add("ntps_received", "counter", "Datagrams received.", [[server.received]]);
  writer.add(
    "ntps_packets",
    "counter",
    "Datagrams received, by version and mode.",
    server.packets.map(({ version, mode, count }) => [
      count,
      { version: `${version}`, mode: `${mode}` },
    ]),
  );
  writer.addHistogram(
    "ntps_reply_delay_seconds",
    "From the arrival of a request to the transmit timestamp of the answer.",
    server.replyDelays,
  );
  const { rateLimiter } = server;
  writer.add("ntps_rate_limiter_used", "gauge", "Addresses and prefixes that it remembers.", [
    [rateLimiter?.used],
  ]);
  writer.add("ntps_rate_limiter_capacity", "gauge", "How many it can remember.", [
    [rateLimiter?.capacity],
  ]);
  writer.add("ntps_replies", "counter", "Replies sent, by kind.", [
    [server.answered, { kind: "answer" }],
    [server.kissed, { kind: "kiss" }],
    [server.cryptoNaks, { kind: "crypto-NAK" }],
    [server.ntsNaks, { kind: "NTS-NAK" }],
  ]);
  writer.add(
    "ntps_dropped",
    "counter",
    "Datagrams not answered, by reason.",
    Object.entries(server.dropped).map(([reason, count]) => [count, { reason }]),
  );
  writer.add(
    "ntps_decisions",
    "counter",
    "What the decision hook decided.",
    Object.entries(server.decisions).map(([decision, count]) => [count, { decision }]),
  );
  writer.add("ntps_nts_replies", "counter", "Replies with authentic NTS.", [[server.nts]]);
  writer.add("ntps_routed", "counter", "Datagrams of associations.", [[server.routed]]);
  writer.add("ntps_errors", "counter", "Errors of sockets, clock and hook.", [[server.errors]]);
  writer.add("ntps_overflows", "counter", "Datagrams lost by overload, as the kernel tells.", [
    [server.overflows],
  ]);
  const { workers } = server;
  writer.add("ntps_workers", "gauge", "Workers that serve.", [[workers?.serving]]);
  writer.add("ntps_worker_restarts", "counter", "Workers put in the place of others.", [
    [workers?.restarts],
  ]);
}

function writeKeyExchange(writer: MetricWriter, statistics: KeServerStatistics): void {
  const { accepted, active, answered, failed } = statistics;
  writer.add("ntps_key_exchange_connections", "counter", "Connections for a key exchange.", [
    [accepted],
  ]);
  writer.add("ntps_key_exchange_active", "gauge", "Connections that are open now.", [[active]]);
  writer.add("ntps_key_exchanges", "counter", "Clients that got keys and cookies.", [[answered]]);
  writer.add(
    "ntps_key_exchange_failures",
    "counter",
    "Key exchanges that failed, by reason.",
    Object.entries(failed).map(([reason, count]) => [count, { reason }]),
  );
}

function writeClock(writer: MetricWriter, clock: ClockState): void {
  const gauge = (name: string, help: string, value: number | undefined) =>
    writer.add(`ntps_clock_${name}`, "gauge", help, [[value]]);
  gauge("synchronized", "1 if the clock follows UTC, else 0.", clock.synchronized ? 1 : 0);
  gauge("leap_indicator", "0 none, 1 insert, 2 delete, 3 unknown.", clock.leapIndicator);
  gauge("stratum", "Stratum of the clock, where it knows it.", clock.stratum);
  gauge("root_delay_seconds", "Round trip to the primary reference.", clock.rootDelay);
  gauge("root_dispersion_seconds", "Largest error against it.", clock.rootDispersion);
}

function writeSync(writer: MetricWriter, sync: NTPSync): void {
  const { clock, frequency, remaining } = sync;
  const gauge = (name: string, help: string, value: number | undefined) =>
    writer.add(`ntps_clock_${name}`, "gauge", help, [[value]]);
  gauge("max_error_seconds", "Most that the clock can be wrong.", clock.maxError);
  gauge("remaining_seconds", "What the clock still makes good.", remaining);
  gauge("frequency_ratio", "Rate of true time against the raw clock.", frequency?.value);
  const sources = sync.sources();
  const each = (
    name: string,
    help: string,
    value: (source: SyncSourceStatus) => number | undefined,
  ) =>
    writer.add(
      `ntps_source_${name}`,
      "gauge",
      help,
      sources.map((source) => [value(source), labelsOf(source)]),
    );
  const isFollowed = ({ state }: SyncSourceStatus) => state === "selected" ? 1 : 0;
  each("selected", "1 if the source is followed, else 0.", isFollowed);
  each("offset_seconds", "How far it is ahead of the clock.", ({ offset }) => offset);
  each("deviation_seconds", "Standard deviation of that.", ({ deviation }) => deviation);
  each("delay_seconds", "Round trip to it.", ({ delay }) => delay);
  each("distance_seconds", "How wrong its time can be at most.", ({ distance }) => distance);
  each("stratum", "Its stratum.", ({ stratum }) => stratum);
  each("reach", "The last eight polls, as bits.", ({ reach }) => reach);
  each("poll_seconds", "Time between two polls.", ({ poll }) => 2 ** poll);
}

function labelsOf({ hostname, kind, name }: SyncSourceStatus): Labels {
  return { source: name, kind, ...(hostname !== undefined && { address: hostname }) };
}
