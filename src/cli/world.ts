import type { KeyStore } from "../auth/key_store.ts";
import type { LoadKeyFileOptions } from "../auth/load_key_file.ts";
import type { QueryOptions } from "../client/options.ts";
import type { StatusServerOptions } from "../metrics/status_server.ts";
import type { UserName } from "./become_user.ts";
import type { StatusServing } from "./http_options.ts";
import type { NtsWorld } from "./nts_world.ts";
import type { RefclockWorld } from "./refclock_spec.ts";
import type { ServiceManager } from "./service_manager.ts";
import type { SteerWorld } from "./steer_options.ts";
import type { NTPSyncOptions } from "../sync/ntp_sync_options.ts";

/** Where text goes to. */
export interface Output {
  /** Writes text as it is. */
  write(text: string): void;
  /** Whether the reader sees bold print instead of escape sequences. */
  readonly styled: boolean;
  /** Size of the terminal, if it is one whose lines can be written over. */
  readonly terminal?: { readonly columns: number; readonly rows: number } | undefined;
}

/** All that the command touches: tests pass another one. */
export interface World extends Required<Pick<QueryOptions, "clock" | "timers" | "bind">> {
  /** Results. */
  readonly stdout: Output;
  /** Errors. */
  readonly stderr: Output;
  /** What else queries, and new keys, may need; absent: the defaults of the library. */
  readonly queryOptions?: Pick<QueryOptions, "random" | "resolve">;
  /** The clock that `ntps sync` corrects, and what watches it; absent: the defaults of the library. */
  readonly syncOptions?: Pick<NTPSyncOptions, "clock" | "wallMs" | "ownAddresses">;
  /** What reference clocks are read from; absent: this machine. */
  readonly refclocks?: RefclockWorld;
  /** What steers the clock of this computer; absent: this machine. */
  readonly steering?: SteerWorld;
  /** What NTS needs; absent: the library's key exchange, and files. */
  readonly nts?: NtsWorld;
  /** Makes what serves metrics; absent: the library's server. */
  makeStatus?(options: StatusServerOptions): StatusServing;
  /** Reads a file; `-` is standard input. */
  readFile(path: string): Promise<Uint8Array>;
  /**
   * Becomes another user for good.
   *
   * @throws {Error} with one sentence, if it cannot
   */
  becomeUser?(user: UserName): Promise<void>;
  /**
   * What has started this process and wants to know how it is, if there is something.
   *
   * @throws {NTPError} if it cannot be told anything
   */
  serviceManager?(): Promise<ServiceManager | undefined>;
  /** Reads a key file, as `loadKeyFile` does. */
  loadKeyFile(path: string, options: LoadKeyFileOptions): Promise<KeyStore>;
  /**
   * Writes a file that only its owner may read, whole or not at all.
   *
   * @throws {Error} with one sentence, if it cannot, or if there is a file and `overwrite` is false
   */
  writeSecretFile(path: string, text: string, options: { overwrite: boolean }): Promise<void>;
  /**
   * Calls back once when somebody asks the process to end.
   *
   * @param callback given the name of the signal
   * @returns a function that stops listening
   */
  onSignal(callback: (signal: string) => void): () => void;
  /**
   * Calls back with each key that is pressed, if this is a terminal. What is typed is not shown, and
   * Ctrl+C is a key, until it is ended: by its end, or by the process's, whatever that is.
   *
   * @param callback given the key
   * @returns a function that ends it; `undefined` where there are no keys
   */
  onKey?(callback: (key: string) => void): (() => void) | undefined;
  /**
   * Calls back whenever somebody asks the process to read its configuration anew, by SIGHUP.
   *
   * @param callback what to do
   * @returns a function that stops listening
   */
  onReload(callback: () => void): () => void;
}
