import type { SyncSink } from "../sync/sync_input.ts";
import type { ByteStream, OpenStream } from "./byte_stream.ts";
import { LineSplitter } from "./line_splitter.ts";
import { ReferenceClock, type ReferenceClockOptions } from "./reference_clock.ts";

/** How long to wait before a stream that ended is opened again: at first, and at most, in milliseconds. */
const FIRST_RETRY = 1000, LAST_RETRY = 30_000;
/** A stream that is silent for so long is opened again: nobody tells of a peer that lost its power. */
const SILENCE_MS = 60_000;

/** A reference clock that tells its time in lines. A stream that ends is opened again. */
export abstract class StreamClock extends ReferenceClock {
  readonly #openStream: OpenStream;
  readonly #longest: number;
  #sink: SyncSink | undefined;
  #stream: ByteStream | undefined;
  #cancel = (): void => {};
  #retry = FIRST_RETRY;

  /**
   * Makes it; it does nothing yet.
   *
   * @param options of the user
   * @param defaults of this kind of clock; `longestLine` in characters
   * @param openStream how to open the stream
   */
  constructor(
    options: ReferenceClockOptions,
    defaults: { readonly refid: string; readonly maxError: number; readonly longestLine: number },
    openStream: OpenStream,
  ) {
    super(options, defaults);
    this.#longest = defaults.longestLine;
    this.#openStream = openStream;
  }

  /** The raw clock. */
  protected get raw(): SyncSink["clock"] {
    return this.#sink!.clock;
  }

  /** Begins to read it. */
  protected override open(sink: SyncSink): void {
    this.#sink = sink;
    this.#retry = FIRST_RETRY;
    this.#begin(sink);
  }

  /** Closes it. */
  protected override release(): void {
    this.#sink = undefined;
    this.#cancel();
    this.#stream?.close();
    this.#stream = undefined;
  }

  /** What to send when the stream is open. Default: nothing. */
  protected get greeting(): string {
    return "";
  }

  /**
   * Takes a line.
   *
   * @param line without its end
   * @param stamp what the raw clock showed when its first byte arrived
   */
  protected abstract line(line: string, stamp: bigint): void;

  /** The stream has ended: forgets what was half known. */
  protected ended(): void {}

  /** What came is what should come: a stream that ends now is opened again soon. */
  protected useful(): void {
    this.#retry = FIRST_RETRY;
  }

  #begin(sink: SyncSink): void {
    const { clock, timers } = sink;
    let isHeard = false;
    const splitter = new LineSplitter(
      this.#longest,
      (line, stamp) => {
        // Whoever was told of the line before may have closed the clock.
        if (this.#sink === sink) this.line(line, stamp);
      },
      () => this.reject("line too long"),
    );
    const end = (reason: string): void => {
      this.#cancel();
      this.ended();
      this.unlock(reason);
      if (this.#sink !== sink) return;
      this.#cancel = timers.after(this.#retry, () => this.#begin(sink));
      this.#retry = Math.min(2 * this.#retry, LAST_RETRY);
    };
    const watch = (): void => {
      this.#cancel = timers.after(SILENCE_MS, () => {
        if (isHeard) {
          isHeard = false;
          return watch();
        }
        stream.close();
        end(`nothing has been heard for ${SILENCE_MS / 1000} s`);
      });
    };
    watch();
    const stream = this.#openStream({
      onBytes: (bytes) => {
        isHeard = true;
        splitter.push(bytes, clock.now());
      },
      onEnd: (error) => end(error.message),
    }, timers);
    this.#stream = stream;
    if (this.greeting !== "") stream.write(this.greeting);
  }
}
