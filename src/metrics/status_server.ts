import { systemTimers, type Timers } from "../clock/timers.ts";
import { parseIpAddress } from "../packet/ip_address.ts";
import { systemError } from "../transport/system_error.ts";
import { CONTENT_TYPES, type MetricsFormat } from "./metric_writer.ts";
import { type MetricsInput, metricsText } from "./metrics_text.ts";
import { PageFeed } from "./page/page_feed.ts";
import { pagePolicy, pageText } from "./page/page.ts";

/** Options of {@linkcode StatusServer}. */
export interface StatusServerOptions {
  /** What the metrics are made of, at this moment. Asked for each request. */
  read: () => MetricsInput;
  /** What `/status` tells besides, as JSON. Default: nothing. */
  status?: () => Readonly<Record<string, unknown>>;
  /**
   * Whether there is a page at `/` that shows it all, live, and for that `/events`. It looks once a
   * second at what `read` tells. Default false.
   */
  page?: boolean;
  /** Waits, for the page. Default: timers of the runtime. */
  timers?: Timers;
}

/** Where a {@linkcode StatusServer} listens. */
export interface StatusAddress {
  /** IP address. Default 127.0.0.1: nobody but this machine. */
  hostname?: string;
  /** Port, 0 to 65535; 0: any that is free. */
  port: number;
}

/** Connections at once, and how long one may take for a request, in milliseconds. */
const MAX_CONNECTIONS = 64, REQUEST_MS = 5000;
/** Longest header, in bytes. */
const MAX_HEADER = 8192;
/** How many may watch the page at once, and how far one may lag behind, in bytes. */
const MAX_WATCHERS = 16, MAX_LAG = 1 << 20;

/** A reply, before it is sent. */
interface Reply {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  /** Content security policy. Default: nothing is allowed. */
  readonly policy?: string;
}

/** What of a response to HTTP events need. */
interface EventResponse {
  writeHead(status: number, headers: Record<string, string>): unknown;
  write(text: string): unknown;
  on(event: "close", listener: () => void): unknown;
  destroy(): unknown;
  readonly writableLength: number;
}

const PLAIN = "text/plain; charset=utf-8";

/**
 * Metrics and health over HTTP: `/metrics` for Prometheus and its like, `/status` as JSON, `/healthz`,
 * which is 503 while the clock is not synchronised, and a page at `/` if that is wanted. It tells and takes no orders; all the same it is
 * for one's own network: put a proxy in front of it that knows who may ask.
 *
 * @example Beside a server
 * ```ts
 * import { NTPServer } from "@ntps/ntps";
 * import { StatusServer } from "@ntps/ntps/metrics";
 * import { assertEquals } from "@std/assert";
 *
 * const server = new NTPServer();
 * const status = new StatusServer({
 *   read: () => ({ server: server.statistics(), clock: server.clock.state() }),
 * });
 * const { port } = await status.listen({ port: 0 });
 * const health = await fetch(`http://127.0.0.1:${port}/healthz`);
 * assertEquals([health.status, await health.text()], [200, "synchronised\n"]);
 * await status.close();
 * ```
 */
export class StatusServer {
  readonly #options: StatusServerOptions;
  #close: (() => Promise<void>) | undefined;
  #hostname = "127.0.0.1";
  #feed: PageFeed | undefined;

  /**
   * Makes a server; it does nothing before {@linkcode StatusServer.listen}.
   *
   * @param options what it tells
   * @throws {TypeError} if an option has the wrong type
   */
  constructor(options: StatusServerOptions) {
    for (const [name, value] of Object.entries({ read: options.read, status: options.status })) {
      if (typeof value !== "function" && !(name === "status" && value === undefined)) {
        throw new TypeError(`${name} is a function, not ${String(value)}`);
      }
    }
    if (options.page !== undefined && typeof options.page !== "boolean") {
      throw new TypeError(`page is true or false, not ${String(options.page)}`);
    }
    this.#options = options;
  }

  /**
   * Begins to listen.
   *
   * @param address where
   * @returns where it listens
   * @throws {NTPError} `address-in-use`, `address-unavailable`, `permission`
   */
  async listen(
    { hostname = "127.0.0.1", port }: StatusAddress,
  ): Promise<{ hostname: string; port: number }> {
    const { createServer } = await import("node:http");
    const server = createServer({
      requestTimeout: REQUEST_MS,
      headersTimeout: REQUEST_MS,
      keepAliveTimeout: REQUEST_MS,
      maxHeaderSize: MAX_HEADER,
    }, (request, response) => {
      const { method = "", url = "", headers } = request;
      const feed = this.#feed;
      if (
        feed !== undefined && method === "GET" && url.split("?")[0] === "/events" &&
        feed.watchers < MAX_WATCHERS && this.#isOurs(headers.host ?? "")
      ) return sendEvents(feed, response);
      const reply = this.#answer(method, url, headers.host ?? "", headers.accept ?? "");
      response.writeHead(reply.status, {
        "content-type": reply.type,
        "content-length": new TextEncoder().encode(reply.text).length,
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "content-security-policy": reply.policy ?? "default-src 'none'",
        "referrer-policy": "no-referrer",
      });
      response.end(method === "HEAD" ? undefined : reply.text);
    });
    server.maxConnections = MAX_CONNECTIONS;
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) => reject(systemError(error, { what: "bind", hostname, port })));
      server.listen({ host: hostname, port }, resolve);
    });
    this.#hostname = hostname;
    const { page, read, timers = systemTimers } = this.#options;
    if (page === true) this.#feed = new PageFeed({ read, timers, now: () => Date.now() });
    this.#close = () =>
      new Promise((resolve) => {
        this.#feed?.close();
        this.#feed = undefined;
        server.close(() => resolve());
        server.closeAllConnections();
      });
    const bound = server.address();
    return { hostname, port: typeof bound === "object" && bound !== null ? bound.port : port };
  }

  /** Ends it. Calling it again is harmless. */
  async close(): Promise<void> {
    await this.#close?.();
    this.#close = undefined;
  }

  #answer(method: string, url: string, host: string, accept: string): Reply {
    if (method !== "GET" && method !== "HEAD") {
      return { status: 405, type: PLAIN, text: "GET and HEAD are all that there is\n" };
    }
    if (!this.#isOurs(host)) {
      // A page of somebody else's may have had its name resolved to this machine.
      return { status: 403, type: PLAIN, text: "Ask by an IP address, or as localhost\n" };
    }
    const [path] = url.split("?");
    try {
      return this.#page(path!, accept);
    } catch {
      return { status: 500, type: PLAIN, text: "The clock or the server fails to tell\n" };
    }
  }

  #page(path: string, accept: string): Reply {
    const { read, status } = this.#options;
    if (path === "/" && this.#feed !== undefined) {
      const nonce = crypto.randomUUID();
      const type = "text/html; charset=utf-8";
      return { status: 200, type, text: pageText(nonce), policy: pagePolicy(nonce) };
    }
    if (path === "/events" && this.#feed !== undefined) {
      return { status: 503, type: PLAIN, text: "Too many watch, or this is no GET\n" };
    }
    if (path === "/metrics") {
      const format: MetricsFormat = accept.includes("application/openmetrics-text")
        ? "openmetrics"
        : "prometheus";
      return { status: 200, type: CONTENT_TYPES[format], text: metricsText(read(), format) };
    }
    const { clock: own, keyExchange, server, sync } = read();
    const clock = own ?? sync?.clock.state();
    if (path === "/healthz") {
      const isWell = clock?.synchronized === true;
      const text = isWell ? "synchronised\n" : "not synchronised\n";
      return { status: isWell ? 200 : 503, type: PLAIN, text };
    }
    if (path === "/status") {
      const told = { server, keyExchange, ...plain(clock), ...status?.() };
      return {
        status: 200,
        type: "application/json; charset=utf-8",
        text: `${JSON.stringify(told)}\n`,
      };
    }
    const known = this.#feed === undefined ? "/metrics" : "/, /metrics";
    return { status: 404, type: PLAIN, text: `There are ${known}, /status and /healthz\n` };
  }

  /** Whether the client has asked for this machine by a name that nobody else can give it. */
  #isOurs(host: string): boolean {
    const name = host.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
    return name === "localhost" || name === this.#hostname ||
      parseIpAddress(name, new Uint8Array(16)) !== 0;
  }
}

/** Sends the points of a feed as they come (server-sent events), until the client has gone. */
function sendEvents(feed: PageFeed, response: EventResponse): void {
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    // A proxy that gathers what it passes on would hold events back.
    "x-accel-buffering": "no",
  });
  response.write(`event: history\ndata: ${JSON.stringify(feed.points)}\n\n`);
  const stop = feed.watch((point) => {
    if (response.writableLength > MAX_LAG) return void response.destroy();
    response.write(`data: ${JSON.stringify(point)}\n\n`);
  });
  response.on("close", stop);
}

/** A clock's state as JSON has it: without numbers that it cannot hold. */
function plain(clock: MetricsInput["clock"]): { clock?: Record<string, unknown> } {
  if (clock === undefined) return {};
  const { referenceTimestamp: _, ...rest } = clock;
  return { clock: rest };
}
