// What a server does, as metrics of OpenTelemetry. With an SDK set up before this is imported, they go
// where that sends them; without one nothing happens.
//
//     npm install @opentelemetry/api @opentelemetry/sdk-metrics
import { type Meter, metrics } from "@opentelemetry/api";
import { NTPServer } from "../mod.ts";

/**
 * Has a meter look at a server whenever it collects.
 *
 * @param server the server
 * @param meter where the numbers go to
 */
export function observe(server: NTPServer, meter: Meter): void {
  const received = meter.createObservableCounter("ntp.server.received", { unit: "{datagram}" });
  const replies = meter.createObservableCounter("ntp.server.replies", { unit: "{datagram}" });
  const dropped = meter.createObservableCounter("ntp.server.dropped", { unit: "{datagram}" });
  const synchronized = meter.createObservableGauge("ntp.server.clock.synchronized");
  const error = meter.createObservableGauge("ntp.server.clock.error", { unit: "s" });
  meter.addBatchObservableCallback((result) => {
    const statistics = server.statistics(), state = server.clock.state();
    result.observe(received, statistics.received);
    result.observe(replies, statistics.answered, { kind: "answer" });
    result.observe(replies, statistics.kissed, { kind: "kiss" });
    for (const [reason, count] of Object.entries(statistics.dropped)) {
      result.observe(dropped, count, { reason });
    }
    result.observe(synchronized, state.synchronized ? 1 : 0);
    result.observe(error, state.rootDelay / 2 + state.rootDispersion);
  }, [received, replies, dropped, synchronized, error]);
}

if (import.meta.main) {
  const server = new NTPServer();
  observe(server, metrics.getMeter("ntps"));
  const { hostname, port } = await server.listen({ port: 12300 });
  console.log(`Serving at ${hostname}, port ${port}; stop it with Ctrl+C.`);
}
