// A thread of shared_tables_test.ts: checks addresses against the table that it is sent.
import { RateLimiter } from "../../src/server/rate_limiter.ts";
import type { RateLimitTable } from "../../src/server/rate_limit_table.ts";
import { threadPort } from "../../src/transport/native/thread.ts";
import { countWithin, OPTIONS } from "./shared_tables.ts";

const port = threadPort();

port.onMessage((table) => {
  port.post("begins");
  port.post(countWithin(new RateLimiter(OPTIONS, table as RateLimitTable)));
});
