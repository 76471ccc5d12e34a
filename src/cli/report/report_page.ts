import { formatSeconds } from "../quantity.ts";
import type { Observation } from "../recording.ts";
import { allanDeviation, evenlySpaced } from "./allan.ts";
import { escaped, svgPlot } from "./svg_plot.ts";

const STYLE = `
:root { color-scheme: light dark; --text: light-dark(#1c2024, #e8eaed); --dim: light-dark(#5a636c, #a3abb3);
  --back: light-dark(#fff, #14171a); --line: light-dark(#d9dde2, #343a41); --one: light-dark(#0b62c4, #6fb1ff); }
body { margin: 0 auto; padding: 1rem; max-width: 84rem; background: var(--back); color: var(--text);
  font: 16px/1.45 system-ui, sans-serif; }
h2 { border-top: 1px solid var(--line); padding-top: 1rem; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .25rem 1rem .25rem 0; white-space: nowrap; border-top: 1px solid var(--line); }
th:first-child { text-align: left; }
.plots { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
figure { margin: 0; } figcaption { font-weight: 600; }
svg { width: 100%; height: auto; }
svg text { fill: var(--dim); font-size: 12px; } .grid line { stroke: var(--line); }
.dot { fill: var(--one); } .line { fill: none; stroke: var(--one); stroke-width: 1.5; }
.bounds { fill: var(--one); opacity: .15; }
`;

/** An observation with an answer. */
interface Answer {
  readonly at: number;
  readonly offset: number;
  readonly delay: number;
  readonly distance: number | undefined;
  readonly stratum: number | undefined;
}

function answersOf(observations: readonly Observation[]): Answer[] {
  return observations.flatMap(({ at, offset, delay, distance, stratum }) =>
    offset === undefined || delay === undefined ? [] : [{ at, offset, delay, distance, stratum }]
  ).sort((a, b) => a.at - b.at);
}

/** The value below which a share of all are. */
function quantile(values: readonly number[], share: number): number | undefined {
  const ordered = [...values].sort((a, b) => a - b);
  return ordered[Math.min(ordered.length - 1, Math.floor(share * ordered.length))];
}

const seconds = (value: number | undefined) => value === undefined ? "–" : formatSeconds(value);
const axis = (label: string, more: { log?: boolean; zero?: boolean } = {}) => ({
  label,
  format: (value: number) => formatSeconds(Number(value.toPrecision(4))),
  ...more,
});

/** How many are in each of some equal intervals. */
function histogram(values: readonly number[], places: number): [number, number][] {
  const low = quantile(values, 0) ?? 0, high = quantile(values, 0.995) ?? 0;
  const width = (high - low) / places || Math.abs(low) / places || 1e-9;
  const counts = new Array<number>(places).fill(0);
  for (const value of values) counts[Math.min(places - 1, Math.floor((value - low) / width))]!++;
  return counts.map((count, i) => [low + (i + 0.5) * width, count]);
}

function figure(caption: string, plot: string): string {
  return `<figure><figcaption>${caption}</figcaption>${plot}</figure>`;
}

function hostPlots(name: string, answers: readonly Answer[]): string {
  const first = answers[0]!.at;
  const time = { label: "time since the first answer", format: durationText };
  const offsets = answers.map(({ offset }) => offset), delays = answers.map(({ delay }) => delay);
  const even = evenlySpaced(answers.map(({ at }) => at), offsets);
  const allan = even === undefined ? [] : allanDeviation(even.phases, even.spacing);
  const bounds = answers.flatMap(({ at, offset, distance }) =>
    distance === undefined ? [] : [[at - first, offset - distance, offset + distance] as const]
  );
  // Bounds that dwarf the offsets would hide them.
  const spread = (quantile(offsets, 1)! - quantile(offsets, 0)!) || 1e-9;
  const areSmall = bounds.every(([, low, high]) => high - low < 1.5 * spread);
  return `<div class="plots">${
    [
      figure(
        "Offset over time",
        svgPlot({
          title: `Offset of ${name}`,
          x: time,
          y: axis("offset"),
          marks: "dots",
          points: answers.map(({ at, offset }) => [at - first, offset]),
          ...(areSmall && { bounds }),
        }),
      ),
      figure(
        "Delays, how many of each",
        svgPlot({
          title: `Delays of ${name}`,
          x: axis("delay"),
          y: { label: "answers", format: (count) => `${count}`, zero: true },
          marks: "bars",
          points: histogram(delays, 40),
        }),
      ),
      figure(
        "Allan deviation",
        svgPlot({
          title: `Allan deviation of the clock against ${name}`,
          x: { label: "interval", format: durationText, log: true },
          y: { label: "deviation", format: (value) => value.toExponential(0), log: true },
          marks: "line",
          points: allan.map(({ tau, deviation }) => [tau, deviation]),
        }),
      ),
      figure(
        "Offset against delay",
        svgPlot({
          title: `Wedge of ${name}`,
          x: axis("delay"),
          y: axis("offset"),
          marks: "dots",
          points: answers.map(({ delay, offset }) => [delay, offset]),
        }),
      ),
    ].join("")
  }</div>`;
}

/** A time of seconds, minutes or hours. */
function durationText(value: number): string {
  if (value >= 7200) return `${Number((value / 3600).toPrecision(3))} h`;
  if (value >= 120) return `${Number((value / 60).toPrecision(3))} min`;
  return `${Number(value.toPrecision(3))} s`;
}

/**
 * A page about a recording: one document, without script or anything from elsewhere.
 *
 * @param observations what was recorded
 * @param name what the recording is called
 */
export function reportPage(observations: readonly Observation[], name: string): string {
  const byHost = new Map<string, Observation[]>();
  for (const one of observations) {
    const known = byHost.get(one.host);
    if (known === undefined) byHost.set(one.host, [one]);
    else known.push(one);
  }
  const hosts = [...byHost].map(([host, all]) => ({ host, all, answers: answersOf(all) }));
  const rows = hosts.map(({ host, all, answers }) => {
    const offsets = answers.map(({ offset }) => offset), delays = answers.map(({ delay }) => delay);
    const mean = offsets.reduce((sum, offset) => sum + offset, 0) / offsets.length;
    const squares = offsets.reduce((sum, offset) => sum + (offset - mean) ** 2, 0);
    const deviation = offsets.length < 2 ? undefined : Math.sqrt(squares / (offsets.length - 1));
    const cells = [
      `${answers.length} of ${all.length}`,
      `${answers.at(-1)?.stratum ?? "–"}`,
      ...[quantile(offsets, 0.5), deviation, quantile(delays, 0), quantile(delays, 0.5)].map(
        seconds,
      ),
    ];
    return `<tr><th scope="row">${escaped(host)}</th>${
      cells.map((cell) => `<td>${escaped(cell)}</td>`).join("")
    }</tr>`;
  });
  const heads = [
    "server",
    "answers",
    "stratum",
    "median offset",
    "std dev",
    "least delay",
    "median delay",
  ];
  const times = observations.map(({ at }) => at);
  const [begin, finish] = [quantile(times, 0), quantile(times, 1)];
  const when = begin === undefined || finish === undefined
    ? "nothing was recorded"
    : `${new Date(begin * 1000).toISOString()} to ${new Date(finish * 1000).toISOString()}`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${escaped(name)}: NTP servers</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<h1>${escaped(name)}</h1>
<p>${when}. Offsets are what to add to the clock that asked; shaded is how wrong they may be.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Servers"><table>
<thead><tr>${heads.map((head) => `<th scope="col">${head}</th>`).join("")}</tr></thead>
<tbody>${rows.join("\n")}</tbody>
</table></div>
${
    hosts.map(({ host, answers }) =>
      `<section><h2>${escaped(host)}</h2>${
        answers.length < 2 ? "<p>Too few answers for plots.</p>" : hostPlots(host, answers)
      }</section>`
    ).join("\n")
  }
</body>
</html>
`;
}
