import type { Output } from "./world.ts";

/** Makes a terminal hide its cursor. */
export const HIDE_CURSOR = "\x1b[?25l";
/** Makes it show its cursor again. */
export const SHOW_CURSOR = "\x1b[?25h";
const ERASE_BELOW = "\x1b[J";
// deno-lint-ignore no-control-regex
const ESCAPES = /\x1b\[[\d;]*m/g;

/** A line as far as it fits; one that does not fit loses its print styles. */
function cropped(line: string, columns: number): string {
  const plain = line.replace(ESCAPES, "");
  return plain.length <= columns ? line : plain.slice(0, columns);
}

/**
 * Text that is written again and again in the same place of a terminal; elsewhere, one text below the
 * other.
 */
export class Redraw {
  readonly #output: Output;
  /** Lines that were written last. */
  #lines = 0;
  #isHidden = false;

  /**
   * Writes nothing yet.
   *
   * @param output where it goes to
   */
  constructor(output: Output) {
    this.#output = output;
  }

  /**
   * Writes a text in the place of the last one.
   *
   * @param text lines, each ended
   */
  show(text: string): void {
    const { terminal } = this.#output;
    if (terminal === undefined) return this.#output.write(text);
    const { columns, rows } = terminal;
    // More lines than the terminal has could not be written over.
    const lines = text.split("\n").slice(0, -1).slice(0, Math.max(1, rows - 1));
    const back = this.#lines > 0 ? `\x1b[${this.#lines}A\r` : "";
    const hide = this.#isHidden ? "" : HIDE_CURSOR;
    this.#isHidden = true;
    this.#lines = lines.length;
    const body = lines.map((line) => `${cropped(line, columns)}\n`).join("");
    this.#output.write(`${hide}${back}${ERASE_BELOW}${body}`);
  }

  /** Gives the terminal back as it was. */
  end(): void {
    if (this.#isHidden) this.#output.write(SHOW_CURSOR);
    this.#isHidden = false;
    this.#lines = 0;
  }
}
