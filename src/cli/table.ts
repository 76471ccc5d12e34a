import { bold } from "./help.ts";
import type { Output } from "./world.ts";

/** A column: its title, and whether it is aligned to the right, as numbers are. */
export interface Column {
  readonly title: string;
  readonly right?: boolean;
  /** How wide it is at least. Default: as its title. */
  readonly least?: number;
}

/** A row as a line, each cell as wide as its column. */
function line(
  columns: readonly Column[],
  widths: readonly number[],
  cells: readonly string[],
): string {
  return cells.map((cell, at) =>
    columns[at]!.right ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!)
  ).join("  ").trimEnd();
}

function widthsOf(columns: readonly Column[], rows: readonly (readonly string[])[]): number[] {
  return columns.map(({ title, least = 0 }, at) =>
    Math.max(title.length, least, ...rows.map((row) => row[at]!.length))
  );
}

function head(columns: readonly Column[], widths: readonly number[], output: Output): string {
  return `${bold(line(columns, widths, columns.map(({ title }) => title)), output)}\n`;
}

/**
 * A table of aligned columns with a bold head.
 *
 * @param columns the columns
 * @param rows a text for each column
 * @param output where it goes to
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  output: Output,
): string {
  const widths = widthsOf(columns, rows);
  const lines = rows.map((row) => `${line(columns, widths, row)}\n`);
  return head(columns, widths, output) + lines.join("");
}

/** A table whose rows come one after the other, its head before the first. */
export class GrowingTable {
  readonly #columns: readonly Column[];
  readonly #output: Output;
  #widths: number[] | undefined;

  /**
   * Makes a table without rows.
   *
   * @param columns the columns; one whose cells do not fit is wider from then on
   * @param output where it goes to
   */
  constructor(columns: readonly Column[], output: Output) {
    this.#columns = columns;
    this.#output = output;
  }

  /** Writes a row: a text for each column. */
  add(row: readonly string[]): void {
    const isFirst = this.#widths === undefined;
    const needed = widthsOf(this.#columns, [row]);
    const widths = needed.map((width, at) => Math.max(width, this.#widths?.[at] ?? 0));
    this.#widths = widths;
    if (isFirst) this.#output.write(head(this.#columns, widths, this.#output));
    this.#output.write(`${line(this.#columns, widths, row)}\n`);
  }
}
