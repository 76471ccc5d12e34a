/**
 * What the page does: takes points from /events, keeps five minutes of them, and draws. Whatever comes
 * from outside is put in as text, never as markup.
 */
export const PAGE_SCRIPT = `
"use strict";
const KEPT = 300, LEAST_SECONDS = 30, HEIGHT = 128, LEFT = 64, TOP = 8, BOTTOM = 20;
const points = [];
let paused = false;
const byId = (id) => document.getElementById(id);

function seconds(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size === 0) return "0 s";
  const [unit, name] = size < 1e-6 ? [1e9, "ns"] : size < 1e-3 ? [1e6, "µs"] : size < 1 ? [1e3, "ms"] : [1, "s"];
  return (value * unit).toPrecision(3).replace(/\\.?0+$/, (zeros) => zeros.startsWith(".") ? "" : zeros) + " " + name;
}
const count = (value) => value === null ? "–" : value >= 1e5 ? (value / 1e3).toFixed(0) + " k" : value.toFixed(value < 10 && value % 1 ? 1 : 0);

function element(name, text, attributes) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  return made;
}
function drawing(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Draws lines over time: series of [name, values], null where there is none. */
function plot(svg, title, series, format, fromZero) {
  const all = series.flatMap(([, values]) => values).filter((value) => value !== null);
  let low = Math.min(...all), high = Math.max(...all);
  if (all.length === 0) low = high = 0;
  if (fromZero) low = Math.min(0, low), high = Math.max(0, high);
  const span = high - low || Math.abs(high) || 1;
  if (!fromZero) low -= span / 20;
  high += span / 20;
  const now = points.at(-1).at, width = svg.clientWidth || 600;
  const shown = Math.min(KEPT, Math.max(LEAST_SECONDS, Math.ceil((now - points[0].at) / 1000)));
  const x = (i) => LEFT + (width - LEFT) * (1 - (now - points[i].at) / (shown * 1000));
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - low) / (high - low));
  const parts = [
    drawing("line", { class: "grid", x1: LEFT, x2: width, y1: y(high), y2: y(high) }),
    drawing("line", { class: "grid", x1: LEFT, x2: width, y1: y(low), y2: y(low) }),
    drawing("text", { x: LEFT - 4, y: y(high) + 10, "text-anchor": "end" }, format(high)),
    drawing("text", { x: LEFT - 4, y: y(low), "text-anchor": "end" }, format(low)),
    drawing("text", { x: LEFT, y: HEIGHT - 4 }, shown < 120 ? shown + " seconds ago" : Math.round(shown / 60) + " minutes ago"),
    drawing("text", { x: width, y: HEIGHT - 4, "text-anchor": "end" }, "now"),
  ];
  series.forEach(([, values], n) => {
    let d = "", pen = "M";
    values.forEach((value, i) => {
      if (value === null || x(i) < LEFT) return void (pen = "M");
      d += pen + x(i).toFixed(1) + " " + y(value).toFixed(1);
      pen = "L";
    });
    if (d) parts.push(drawing("path", { class: n ? "two" : "one", d }));
  });
  svg.replaceChildren(...parts);
  const latest = series.filter(([name]) => name).map(([name, values]) => name + " " + format(values.at(-1) ?? null));
  svg.setAttribute("viewBox", "0 0 " + width + " " + HEIGHT);
  svg.setAttribute("aria-label", title + ": now " + latest.join(", ") +
    (all.length ? "; shown from " + format(Math.min(...all)) + " to " + format(Math.max(...all)) : ""));
}

/** What a counter grew by each second. */
const rates = (value) => points.map((point, i) => {
  const before = points[i - 1];
  const took = before ? (point.at - before.at) / 1000 : 0;
  const grown = before ? value(point) - value(before) : -1;
  return took > 0 && grown >= 0 ? grown / took : null;
});
const sum = (counts) => Object.values(counts).reduce((all, one) => all + one, 0);

function rows(body, cells) {
  body.replaceChildren(...cells.map((row) => {
    const line = element("tr");
    row.forEach((cell, i) => line.append(i ? element("td", cell) : element("th", cell, { scope: "row" })));
    return line;
  }));
}

function showServer(server) {
  byId("requests").hidden = server === null;
  if (server === null) return;
  const received = rates((point) => point.server.received);
  const answered = rates((point) => point.server.answered);
  const dropped = rates((point) => sum(point.server.dropped));
  const kissed = rates((point) => point.server.kissed);
  byId("received").textContent = count(received.at(-1));
  byId("answered").textContent = count(answered.at(-1));
  byId("dropped").textContent = count(dropped.at(-1));
  plot(byId("rate"), "Requests per second", [["received", received], ["answered", answered]], count, true);
  const reasons = Object.entries(server.dropped).filter(([, all]) => all > 0).sort((a, b) => b[1] - a[1]);
  const last = points.length > 1 ? points.at(-2).server.dropped : server.dropped;
  rows(byId("reasons"), [
    ["answered", server.answered, answered.at(-1)],
    ...(server.kissed ? [["kiss or NAK", server.kissed, kissed.at(-1)]] : []),
    ...reasons.map(([reason, all]) => ["dropped: " + reason, all, all - last[reason]]),
  ].map(([name, all, rate]) => [name, all.toLocaleString("en"), count(rate)]));
  byId("prefixes").hidden = server.prefixes === null;
  rows(byId("top"), (server.prefixes || []).map(({ prefix, requests }) => [prefix, "≈ " + requests.toLocaleString("en")]));
  const { rateLimiter: limiter } = server;
  byId("limiter").textContent = limiter ? "The rate limiter remembers " + limiter.used.toLocaleString("en") +
    " of " + limiter.capacity.toLocaleString("en") + " addresses and prefixes." : "";
}

const LEAPS = ["none", "a second is inserted", "a second is deleted", "not known"];

function showClock(clock) {
  byId("clock").hidden = clock === null;
  const state = byId("state");
  if (clock === null) return;
  const text = clock.synchronized ? "synchronised" : "not synchronised";
  const full = text + (clock.stratum === null ? "" : ", stratum " + clock.stratum);
  if (state.textContent !== full) state.textContent = full; // said aloud when it changes
  state.className = clock.synchronized ? "good" : "bad";
  byId("error").textContent = "± " + seconds(clock.error);
  byId("leap").textContent = LEAPS[clock.leap];
  byId("remaining").textContent = seconds(clock.remaining);
  plot(byId("bound"), "Largest error of the clock", [["bound", points.map((point) => point.clock?.error ?? null)],
    ["being made good", points.map((point) => point.clock?.remaining ?? null)]], seconds, true);
}

function showSources(sources) {
  byId("sources").hidden = sources.length === 0;
  rows(byId("followed"), sources.map((one) => [one.name, one.state, one.stratum, one.reach.toString(2).padStart(8, "0"),
    2 ** one.poll + " s", seconds(one.offset), seconds(one.deviation), seconds(one.delay), seconds(one.distance)]));
  const plots = byId("plots");
  const keys = sources.map((one) => one.name + " " + one.address);
  while (plots.children.length > sources.length) plots.lastChild.remove();
  sources.forEach((one, i) => {
    let box = plots.children[i];
    if (!box) {
      box = element("div");
      box.append(element("h3"), element("p", "offset (solid) and delay (dashed)", { class: "key" }));
      for (const _ of [0, 1]) box.append(drawing("svg", { role: "img" }));
      plots.append(box);
    }
    box.children[0].textContent = one.name;
    const series = (key) => points.map((point) => {
      const then = point.sources[i]?.name === one.name ? point.sources[i] : point.sources.find((other) => other.name === one.name);
      return then ? then[key] : null;
    });
    plot(box.children[2], "Offset of " + one.name, [["offset", series("offset")]], seconds, false);
    plot(box.children[3], "Delay of " + one.name, [["", []], ["delay", series("delay")]], seconds, true);
  });
}

function show() {
  if (points.length === 0 || paused) return;
  const { server, clock, sources } = points.at(-1);
  showClock(clock);
  showServer(server);
  showSources(sources);
}

const connection = byId("connection");
const events = new EventSource("events");
events.addEventListener("history", ({ data }) => {
  points.splice(0, points.length, ...JSON.parse(data));
  show();
});
events.onmessage = ({ data }) => {
  points.push(JSON.parse(data));
  if (points.length > KEPT) points.shift();
  show();
};
events.onopen = () => connection.textContent = "";
events.onerror = () => connection.textContent = "The server does not answer; trying again.";
byId("pause").addEventListener("click", ({ currentTarget: button }) => {
  paused = !paused;
  button.setAttribute("aria-pressed", paused);
  button.textContent = paused ? "Go on" : "Pause";
  show();
});
`;
