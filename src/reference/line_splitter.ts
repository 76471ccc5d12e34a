/** Makes lines of bytes that come in pieces. Lines that are too long are dropped, whatever they hold. */
export class LineSplitter {
  readonly #longest: number;
  readonly #onLine: (line: string, stamp: bigint) => void;
  readonly #onDropped: () => void;
  #line = "";
  #stamp = 0n;
  #dropping = false;

  /**
   * @param longest characters of a line at most
   * @param onLine told of each line, and when its first byte arrived
   * @param onDropped told of each line that was too long
   */
  constructor(
    longest: number,
    onLine: (line: string, stamp: bigint) => void,
    onDropped: () => void,
  ) {
    this.#longest = longest;
    this.#onLine = onLine;
    this.#onDropped = onDropped;
  }

  /**
   * Takes bytes.
   *
   * @param bytes of any encoding that has ASCII in it
   * @param stamp when they arrived
   */
  push(bytes: Uint8Array, stamp: bigint): void {
    for (const byte of bytes) {
      if (byte === 0x0a || byte === 0x0d) this.#end();
      else if (!this.#dropping) {
        if (this.#line === "") this.#stamp = stamp;
        this.#line += String.fromCharCode(byte);
        if (this.#line.length > this.#longest) {
          this.#dropping = true;
          this.#line = "";
          this.#onDropped();
        }
      }
    }
  }

  #end(): void {
    const line = this.#line;
    this.#line = "";
    this.#dropping = false;
    if (line !== "") this.#onLine(line, this.#stamp);
  }
}
