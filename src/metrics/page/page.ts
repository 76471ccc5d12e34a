import { PAGE_SCRIPT } from "./page_script.ts";
import { PAGE_STYLE } from "./page_style.ts";

/** Columns of the table of sources. */
const COLUMNS = [
  "source",
  "state",
  "stratum",
  "reach",
  "poll",
  "offset",
  "deviation",
  "delay",
  "distance",
];

/** What the page may do: run its own script, which asks nobody else for anything. */
export function pagePolicy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/**
 * The page: one document, without anything from elsewhere.
 *
 * @param nonce what marks its own script and style, as {@linkcode pagePolicy} says
 */
export function pageText(nonce: string): string {
  const heads = COLUMNS.map((name) => `<th scope="col">${name}</th>`).join("");
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>NTP server</title>
<link rel="icon" href="data:,">
<style nonce="${nonce}">${PAGE_STYLE}</style>
</head>
<body>
<header>
<h1>NTP server</h1>
<p><strong id="state" role="status">waiting for the server</strong> <span id="connection" role="alert"></span></p>
<button id="pause" type="button" aria-pressed="false">Pause</button>
</header>
<main>
<section id="clock" aria-labelledby="clock-title">
<h2 id="clock-title">Clock</h2>
<dl>
<div><dt>largest error</dt><dd id="error">–</dd></div>
<div><dt>being made good</dt><dd id="remaining">–</dd></div>
<div><dt>leap second</dt><dd id="leap">–</dd></div>
</dl>
<p class="key">largest error (solid), being made good (dashed)</p>
<svg id="bound" role="img" aria-label="Largest error of the clock"></svg>
</section>
<section id="requests" aria-labelledby="requests-title" hidden>
<h2 id="requests-title">Requests</h2>
<dl>
<div><dt>received per second</dt><dd id="received">–</dd></div>
<div><dt>answered per second</dt><dd id="answered">–</dd></div>
<div><dt>dropped per second</dt><dd id="dropped">–</dd></div>
</dl>
<p class="key">received (solid), answered (dashed)</p>
<svg id="rate" role="img" aria-label="Requests per second"></svg>
<div class="scroll" tabindex="0" role="region" aria-label="What became of requests">
<table>
<caption>What became of them</caption>
<thead><tr><th scope="col">outcome</th><th scope="col">in all</th><th scope="col">per second</th></tr></thead>
<tbody id="reasons"></tbody>
</table>
</div>
<p class="key" id="limiter"></p>
</section>
<section id="sources" class="wide" aria-labelledby="sources-title" hidden>
<h2 id="sources-title">Sources</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Table of sources">
<table>
<caption>Servers and reference clocks that the clock follows</caption>
<thead><tr>${heads}</tr></thead>
<tbody id="followed"></tbody>
</table>
</div>
<div id="plots" class="plots"></div>
</section>
<section id="prefixes" aria-labelledby="prefixes-title" hidden>
<h2 id="prefixes-title">Who asks most</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Networks that ask most">
<table>
<caption>Requests by network, about</caption>
<thead><tr><th scope="col">network</th><th scope="col">requests</th></tr></thead>
<tbody id="top"></tbody>
</table>
</div>
</section>
</main>
<script nonce="${nonce}">${PAGE_SCRIPT}</script>
</body>
</html>
`;
}
