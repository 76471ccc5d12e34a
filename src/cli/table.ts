import { bold } from "./help.ts";
import type { Output } from "./world.ts";

/** A column: its title, and whether it is aligned to the right, as numbers are. */
export interface Column {
  readonly title: string;
  readonly right?: boolean;
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
  const widths = columns.map(({ title }, at) =>
    Math.max(title.length, ...rows.map((row) => row[at]!.length))
  );
  const line = (cells: readonly string[]) =>
    cells.map((cell, at) =>
      columns[at]!.right ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!)
    ).join("  ").trimEnd();
  const head = bold(line(columns.map(({ title }) => title)), output);
  return [head, ...rows.map(line)].map((text) => `${text}\n`).join("");
}
