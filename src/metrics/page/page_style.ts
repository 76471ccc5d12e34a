/** The style of the page: one column on a phone, two where there is room; light and dark. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --text: light-dark(#1c2024, #e8eaed);
  --dim: light-dark(#5a636c, #a3abb3);
  --back: light-dark(#f6f7f9, #14171a);
  --card: light-dark(#ffffff, #1d2126);
  --line: light-dark(#d9dde2, #343a41);
  --one: light-dark(#0b62c4, #6fb1ff);
  --two: light-dark(#b4480a, #ffa566);
  --good: light-dark(#17692b, #7ddb92);
  --bad: light-dark(#b3261e, #ff8a80);
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1rem; max-width: 80rem;
  background: var(--back); color: var(--text);
  font: 16px/1.45 system-ui, sans-serif;
}
h1 { font-size: 1.4rem; margin: 0; }
h2 { font-size: 1.1rem; margin: 0 0 .5rem; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; overflow-wrap: anywhere; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: center; }
header p { margin: 0; flex: 1 1 16rem; }
main { display: grid; gap: 1rem; margin-top: 1rem; grid-template-columns: minmax(0, 1fr); }
@media (min-width: 60rem) {
  main { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .wide { grid-column: 1 / -1; }
}
section { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; }
button {
  font: inherit; color: inherit; background: var(--card);
  border: 1px solid var(--dim); border-radius: .375rem; padding: .375rem .875rem; min-height: 2.75rem;
}
button:focus-visible, .scroll:focus-visible { outline: 3px solid var(--one); outline-offset: 2px; }
dl { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 0 0 .75rem; }
dt { color: var(--dim); font-size: .875rem; }
dd { margin: 0; font-size: 1.4rem; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--dim); font-size: .875rem; padding-bottom: .25rem; }
th, td { padding: .25rem .75rem .25rem 0; text-align: right; white-space: nowrap; border-top: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
th { font-weight: 600; }
@media (max-width: 40rem) {
  body { padding: .5rem; }
  section { padding: .75rem; }
  table { font-size: .875rem; }
  th, td { padding-right: .5rem; }
  dl { gap: .5rem 1.25rem; }
  dd { font-size: 1.2rem; }
}
svg { display: block; width: 100%; height: 8rem; }
svg text { fill: var(--dim); font-size: 12px; }
svg .grid { stroke: var(--line); }
svg path { fill: none; stroke-width: 1.75; vector-effect: non-scaling-stroke; }
.one { stroke: var(--one); } .two { stroke: var(--two); stroke-dasharray: 5 3; }
.key { color: var(--dim); font-size: .875rem; margin: 0; }
.plots { display: grid; gap: 0 1.5rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 18rem), 1fr)); }
.good { color: var(--good); } .bad { color: var(--bad); }
[hidden] { display: none !important; }
`;
