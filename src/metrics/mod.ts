/**
 * What servers and clocks tell of themselves: metrics for Prometheus and its like, and health, over
 * HTTP.
 *
 * @example Metrics as text
 * ```ts
 * import { NTPServer } from "@ntps/ntps";
 * import { metricsText } from "@ntps/ntps/metrics";
 *
 * console.log(metricsText({ server: new NTPServer().statistics() }));
 * ```
 *
 * @module
 */

export {
  CONTENT_TYPES,
  type Labels,
  type MetricsFormat,
  type MetricType,
  MetricWriter,
} from "./metric_writer.ts";
export { type MetricsInput, metricsText } from "./metrics_text.ts";
export { type StatusAddress, StatusServer, type StatusServerOptions } from "./status_server.ts";
