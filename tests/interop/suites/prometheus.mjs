// A real Prometheus scrapes `ntps serve --http`, and its linter has nothing to say of the metrics.

import { runArguments } from "../../../tools/launch.mjs";
import { fileURLToPath } from "node:url";
import { Child, eventually } from "../children.mjs";
import { Confined } from "../confined.mjs";
import { Star } from "../namespaces.mjs";
import * as ours from "../ours.mjs";

export const peers = ["prometheus"];

const COMMAND = fileURLToPath(new URL("../../../src/cli/main.ts", import.meta.url));
const PORT = 9123, OWN = "http://127.0.0.1:9090", REQUESTS = 20;

/** @param {import("../run.mjs").World} world */
export async function run({ peers, runtimes, report }) {
  const peer = /** @type {import("../peers.mjs").Peer} */ (peers.get("prometheus"));
  await Promise.all(runtimes.map(async (runtime) => {
    const star = new Star();
    const { namespace, hub } = star.join();
    const confined = new Confined(peer, namespace);
    const about = { peer: peer.name, version: peer.version };
    const subject = (/** @type {string} */ role) => ({
      ...about,
      role,
      runtime: `${runtime.name} ${runtime.version}`,
    });
    const serve = ["serve", "--http", `${hub.v4}:${PORT}`, "--rate-limit", "--stratum", "1"];
    const server = new Child(
      `ntps on ${runtime.name}`,
      star.hub.command([runtime.path, ...runArguments(runtime.name, COMMAND, serve, false)]),
      { seconds: 120 },
    );
    const output = () => `${confined.output}\n--- ntps\n${server.output}`;
    try {
      await server.wrote(/metrics at/, 20);
      const asked = {
        name: "load",
        hostname: hub.v4,
        options: { samples: REQUESTS, intervalMs: 1 },
      };
      await ours.run(runtime, namespace, "client.ts", [asked]);

      await report.check(subject("promtool check metrics"), async () => {
        const url = `http://${hub.v4}:${PORT}/metrics`;
        const [{ status, type, text }] = await ours.run(runtime, namespace, "fetching.ts", {
          ...{ url, accept: "text/plain" },
        });
        if (status !== 200) throw new Error(`status ${status}`);
        const told = await confined.run(["/usr/bin/promtool", "check", "metrics"], { input: text });
        if (told.status !== 0 || told.output !== "") {
          throw new Error(`promtool (${told.status}): ${told.output}\n${text}`);
        }
        return { note: `${text.split("\n").length} lines, ${type}` };
      }, output);

      confined.write(
        "prometheus.yml",
        [
          "global: { scrape_interval: 1s, scrape_timeout: 1s }",
          "scrape_configs:",
          "- job_name: ntps",
          `  static_configs: [{ targets: ["${hub.v4}:${PORT}"] }]`,
          "",
        ].join("\n"),
      );
      confined.start([
        "/usr/bin/prometheus",
        "--config.file=/instance/prometheus.yml",
        "--storage.tsdb.path=/instance/tmp/data",
        "--web.listen-address=127.0.0.1:9090",
      ]);
      await report.check(subject("scraped"), async () => {
        await eventually(
          "the target being up",
          40,
          async () => await value(confined, 'up{job="ntps"}') === 1 ? true : undefined,
        );
        /** @type {[string, number][]} */
        const expected = [
          ['ntps_replies_total{kind="answer"}', 8], // the burst that the limit allows
          ['ntps_packets_total{version="4",mode="3"}', 9], // then a kiss, which a good client heeds
          ["ntps_reply_delay_seconds_count", 8],
          ["ntps_clock_synchronized", 1],
          ["ntps_rate_limiter_used", 1],
        ];
        for (const [query, least] of expected) {
          const found = await value(confined, query);
          if (!(found >= least)) throw new Error(`${query} is ${found}, not ${least} at least`);
        }
        const median = "histogram_quantile(0.5, ntps_reply_delay_seconds_bucket)";
        const seconds = await value(confined, median);
        if (!(seconds > 0 && seconds < 0.05)) throw new Error(`${median} is ${seconds}`);
        return { note: `half of the answers within ${(seconds * 1e6).toFixed(0)} µs` };
      }, output);
    } finally {
      await confined.stop();
      await server.stop();
      star.remove();
    }
  }));
}

/**
 * @param {Confined} confined
 * @param {string} query
 * @returns {Promise<number>} NaN if there is none
 */
async function value(confined, query) {
  const { stdout } = await confined.run(["/usr/bin/promtool", "query", "instant", OWN, query]);
  return Number(/=> (\S+) @/.exec(stdout)?.[1] ?? NaN);
}
