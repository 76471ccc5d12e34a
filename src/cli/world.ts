import type { QueryOptions } from "../client/options.ts";

/** Where text goes to. */
export interface Output {
  /** Writes text as it is. */
  write(text: string): void;
  /** Whether the reader sees bold print instead of escape sequences. */
  readonly styled: boolean;
}

/** All that the command touches: tests pass another one. */
export interface World extends Required<Pick<QueryOptions, "clock" | "timers" | "bind">> {
  /** Results. */
  readonly stdout: Output;
  /** Errors. */
  readonly stderr: Output;
  /** What queries need besides clock, timers and sockets; absent: the defaults of the library. */
  readonly queryOptions?: Pick<QueryOptions, "random" | "resolve">;
  /** Reads a file; `-` is standard input. */
  readFile(path: string): Promise<Uint8Array>;
  /**
   * Calls back once when somebody asks the process to end.
   *
   * @param callback given the name of the signal
   * @returns a function that stops listening
   */
  onSignal(callback: (signal: string) => void): () => void;
}
