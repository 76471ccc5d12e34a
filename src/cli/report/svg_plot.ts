/** A point of a plot. */
export type Point = readonly [x: number, y: number];

/** What a plot shows. */
export interface PlotParts {
  /** What it is about: said to who cannot see it. */
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  /** Dots, a line, or bars down to the lower edge. */
  readonly marks: "dots" | "line" | "bars";
  readonly points: readonly Point[];
  /** A second line or area behind: pairs of y, below and above. */
  readonly bounds?: readonly (readonly [x: number, low: number, high: number])[];
}

/** An axis. */
export interface Axis {
  readonly label: string;
  readonly format: (value: number) => string;
  /** Whether equal steps are equal factors. */
  readonly log?: boolean;
  /** Whether zero is on it. */
  readonly zero?: boolean;
}

const WIDTH = 640, HEIGHT = 260, LEFT = 84, RIGHT = 16, TOP = 12, BOTTOM = 44;

/** From values to places along an axis, with values for ticks. */
function scaleOf(axis: Axis, values: readonly number[], from: number, to: number) {
  const good = values.filter((value) => Number.isFinite(value) && (!axis.log || value > 0));
  const place = (value: number) => axis.log ? Math.log10(value) : value;
  let low = Infinity, high = -Infinity;
  for (const value of good) {
    low = Math.min(low, place(value));
    high = Math.max(high, place(value));
  }
  if (axis.zero) [low, high] = [Math.min(0, low), Math.max(0, high)];
  if (!(high > low)) {
    const middle = Number.isFinite(low) ? low : 0;
    [low, high] = [middle - (Math.abs(middle) / 10 || 1), middle + (Math.abs(middle) / 10 || 1)];
  }
  const margin = (high - low) / 20;
  if (!(axis.zero && low === 0)) low -= margin;
  high += margin;
  const at = (value: number) => from + (to - from) * (place(value) - low) / (high - low);
  return { at, ticks: ticksOf(low, high, axis.log === true) };
}

/** About five round values. */
function ticksOf(low: number, high: number, log: boolean): number[] {
  if (log) {
    const decades = Array.from(
      { length: Math.floor(high) - Math.ceil(low) + 1 },
      (_, i) => 10 ** (Math.ceil(low) + i),
    );
    return decades.length > 0 ? decades : [10 ** ((low + high) / 2)];
  }
  const raw = (high - low) / 5;
  const size = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * size).find((step) => step >= raw)!;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
}

/** Text as it may stand in markup. */
export function escaped(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(
    /"/g,
    "&quot;",
  );
}

/** A plot as SVG. */
export function svgPlot({ title, x, y, marks, points, bounds = [] }: PlotParts): string {
  const bottom = HEIGHT - BOTTOM, right = WIDTH - RIGHT;
  const across = scaleOf(x, points.map(([value]) => value), LEFT, right);
  const heights = [...points.map(([, value]) => value), ...bounds.flatMap(([, a, b]) => [a, b])];
  const up = scaleOf(y, heights, bottom, TOP);
  const shown = points.filter(([px, py]) =>
    Number.isFinite(px) && Number.isFinite(py) && (!x.log || px > 0) && (!y.log || py > 0)
  );
  const place = ([px, py]: Point) => `${across.at(px).toFixed(1)} ${up.at(py).toFixed(1)}`;
  const width = Math.max(1, (right - LEFT) / Math.max(1, shown.length) - 1);
  const drawn = marks === "line"
    ? `<path class="line" d="M${shown.map(place).join("L")}"/>`
    : shown.map(([px, py]) => {
      const left = across.at(px), top = up.at(py);
      return marks === "dots"
        ? `<circle class="dot" cx="${left.toFixed(1)}" cy="${top.toFixed(1)}" r="2"/>`
        : `<rect class="dot" x="${(left - width / 2).toFixed(1)}" y="${top.toFixed(1)}" width="${
          width.toFixed(1)
        }" height="${Math.max(0, bottom - top).toFixed(1)}"/>`;
    }).join("");
  const area = bounds.length < 2 ? "" : `<path class="bounds" d="M${
    [
      ...bounds.map(([px, , high]) => place([px, high])),
      ...bounds.toReversed().map(([px, low]) => place([px, low])),
    ].join("L")
  }Z"/>`;
  const grid = [
    ...up.ticks.map((value) => {
      const top = up.at(value).toFixed(1);
      return `<line x1="${LEFT}" x2="${right}" y1="${top}" y2="${top}"/><text x="${
        LEFT - 6
      }" y="${top}" text-anchor="end" dominant-baseline="middle">${
        escaped(y.format(value))
      }</text>`;
    }),
    ...across.ticks.map((value) => {
      const left = across.at(value).toFixed(1);
      return `<line x1="${left}" x2="${left}" y1="${bottom}" y2="${
        bottom + 4
      }"/><text x="${left}" y="${bottom + 16}" text-anchor="middle">${
        escaped(x.format(value))
      }</text>`;
    }),
    `<text x="${(LEFT + right) / 2}" y="${HEIGHT - 6}" text-anchor="middle">${
      escaped(x.label)
    }</text>`,
  ].join("");
  const label = `${title}: ${y.label} by ${x.label}, ${shown.length} points`;
  return `<svg role="img" aria-label="${escaped(label)}" viewBox="0 0 ${WIDTH} ${HEIGHT}">` +
    `<g class="grid">${grid}</g>${area}${shown.length > 0 ? drawn : ""}</svg>`;
}
