/** Dots of a braille character, by column and row, as bits above U+2800. */
const DOTS = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]] as const;
const COLUMNS = 2, ROWS = 4, BLANK = 0x2800;

/** A plot in braille characters, and what its edges stand for. */
export interface TextPlot {
  /** Lines from top to bottom, all as wide as asked. */
  readonly lines: readonly string[];
  /** Value at the lower and at the upper edge. */
  readonly low: number;
  readonly high: number;
}

/**
 * Draws values, oldest first, against the right edge; what there are more of than fit is left out.
 *
 * @param values `undefined` where there is none
 * @param width in characters, each two values wide
 * @param height in characters, each four dots high
 */
export function textPlot(
  values: readonly (number | undefined)[],
  width: number,
  height: number,
): TextPlot {
  const shown = values.slice(-width * COLUMNS);
  const known = shown.filter((value) => value !== undefined);
  const low = Math.min(...known), high = Math.max(...known);
  if (known.length === 0) {
    return { lines: Array<string>(height).fill(" ".repeat(width)), low: 0, high: 0 };
  }
  const cells = Array.from({ length: height }, () => new Uint8Array(width));
  const first = width * COLUMNS - shown.length, rows = height * ROWS;
  shown.forEach((value, i) => {
    if (value === undefined) return;
    const share = high > low ? (value - low) / (high - low) : 0.5;
    const row = rows - 1 - Math.round(share * (rows - 1));
    const column = first + i;
    cells[Math.floor(row / ROWS)]![Math.floor(column / COLUMNS)]! |=
      DOTS[column % COLUMNS as 0 | 1][row % ROWS as 0 | 1 | 2 | 3];
  });
  const lines = cells.map((line) =>
    String.fromCharCode(...Array.from(line, (dots) => BLANK + dots))
  );
  return { lines, low, high };
}
