import { run } from "../../src/cli/run.ts";
import type { Output, World } from "../../src/cli/world.ts";
import { parseKeyFile } from "../../src/auth/key_file.ts";
import type { KeyStore } from "../../src/auth/key_store.ts";
import type { LoadKeyFileOptions } from "../../src/auth/load_key_file.ts";
import type { Clock } from "../../src/clock/clock.ts";
import { FunctionClock } from "../../src/clock/function_clock.ts";
import type { QueryOptions } from "../../src/client/options.ts";
import { addSeconds, NTPError } from "../../src/packet/mod.ts";
import { NTPServer } from "../../src/server/ntp_server.ts";
import type { NTPServerOptions } from "../../src/server/ntp_server_options.ts";
import { VirtualTime } from "../../src/testing/virtual_time.ts";
import { MemoryNetwork } from "../../src/transport/memory.ts";
import type { BindUdp } from "../../src/transport/udp_transport.ts";

/** An output that keeps what is written. */
export class TextOutput implements Output {
  styled = false;
  terminal: { columns: number; rows: number } | undefined;
  text = "";

  write(text: string): void {
    this.text += text;
  }

  /** The lines so far. */
  get lines(): string[] {
    return this.text.split("\n").slice(0, -1);
  }
}

/** The world of a command on a virtual time and a network in memory, 10 ms wide. */
export class FakeWorld implements World {
  readonly time: VirtualTime;
  readonly clock: Clock;
  readonly timers: VirtualTime;
  readonly stdout: TextOutput = new TextOutput();
  readonly stderr: TextOutput = new TextOutput();
  /** Files, by path. */
  readonly files: Map<string, Uint8Array | string> = new Map();
  /** Key files that others may read, by path. */
  readonly exposed: Set<string> = new Set();
  /** Addresses by name. */
  readonly names: Map<string, string[]> = new Map();
  readonly network: MemoryNetwork;
  readonly bind: BindUdp;
  readonly queryOptions: Required<Pick<QueryOptions, "random" | "resolve">>;
  readonly syncOptions: { clock: Clock };
  readonly #listeners = new Set<(signal: string) => void>();
  readonly #reloads = new Set<() => void>();

  /**
   * Makes a world.
   *
   * @param neighbour a world of the same time and network. Default: none, both are its own
   */
  constructor(neighbour?: FakeWorld) {
    const time = neighbour?.time ??
      new VirtualTime({ start: new Date("2026-11-23T12:00:00Z"), precision: -20 });
    this.time = this.clock = this.timers = time;
    this.network = neighbour?.network ?? new MemoryNetwork({
      path: () => [0.01],
      subnets: ["192.0.2.0/24"],
      schedule: (seconds, deliver) => void time.after(seconds * 1000, deliver),
    });
    this.bind = this.network.bind;
    this.syncOptions = { clock: time };
    let draw = 0;
    this.queryOptions = {
      random: (into) => void into.fill(++draw),
      resolve: (host) => {
        const addresses = this.names.get(host) ?? (/^[\d.]+$|:/.test(host) ? [host] : undefined);
        if (addresses !== undefined) return Promise.resolve(addresses);
        return Promise.reject(new NTPError("not-found", `${host} is not known`));
      },
    };
  }

  readFile(path: string): Promise<Uint8Array> {
    const content = this.files.get(path);
    if (content === undefined) {
      return Promise.reject(Object.assign(new Error(`no file ${path}`), { code: "ENOENT" }));
    }
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    return Promise.resolve(bytes);
  }

  async loadKeyFile(path: string, options: LoadKeyFileOptions): Promise<KeyStore> {
    if (!this.files.has(path)) throw new NTPError("not-found", `${path}: there is no such file`);
    const text = new TextDecoder().decode(await this.readFile(path));
    const { format } = options;
    const keys = parseKeyFile(text, { name: path, ...(format !== undefined && { format }) });
    if (this.exposed.has(path)) options.onWarning!(`${path}: others may use these keys`);
    return keys;
  }

  writeSecretFile(path: string, text: string, options: { overwrite: boolean }): Promise<void> {
    if (this.files.has(path) && !options.overwrite) {
      return Promise.reject(new Error(`cannot write ${path}: it exists`));
    }
    this.files.set(path, text);
    return Promise.resolve();
  }

  onSignal(callback: (signal: string) => void): () => void {
    this.#listeners.add(callback);
    return () => void this.#listeners.delete(callback);
  }

  onReload(callback: () => void): () => void {
    this.#reloads.add(callback);
    return () => void this.#reloads.delete(callback);
  }

  /** Asks for the configuration to be read anew. */
  reload(): void {
    for (const reload of this.#reloads) reload();
  }

  /** How many wait for signals. */
  get listening(): number {
    return this.#listeners.size;
  }

  /** Sends a signal. */
  signal(name: string): void {
    for (const listener of this.#listeners) listener(name);
  }

  /** Starts the command. */
  start(...args: string[]): Promise<number> {
    return run(args, this);
  }

  /** Runs the command to its end: its exit status and all that it wrote. */
  async run(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
    const status = await this.time.runUntil(this.start(...args));
    return { status, stdout: this.stdout.text, stderr: this.stderr.text };
  }

  /** A server whose clock is ahead of this world's. */
  async serve(
    hostname: string,
    options: NTPServerOptions = {},
    { port = 123, aheadSeconds = 0 }: { port?: number; aheadSeconds?: number } = {},
  ): Promise<NTPServer> {
    const clock = new FunctionClock(() => addSeconds(this.time.now(), aheadSeconds), {
      precision: -20,
    });
    const server = new NTPServer({ clock, bind: this.bind, ...options });
    await server.listen({ hostname, port, multicast: true });
    return server;
  }
}
