// npm run test:page: the page of --page in a real Chromium, served by each runtime.
//
//     npm run test:page [-- --runtime deno,bun,node]
//
// Needs Chromium: that on PATH, or Debian's, which is installed where this runs as root. Screenshots go
// to .cache/page.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runArguments } from "../../tools/launch.mjs";
import { ROOT, RUNTIMES, runtimes as findRuntimes } from "../../tools/runtimes.mjs";
import { openBrowser } from "../browser/browser.mjs";
import { Child, killAllOnSignals } from "../interop/children.mjs";

const SCREENSHOTS = join(ROOT, ".cache", "page");
const SIZES = /** @type {const} */ ([
  ["phone", 360, 740, "light"],
  ["phone", 360, 740, "dark"],
  ["desktop", 1280, 900, "light"],
  ["desktop", 1280, 900, "dark"],
]);

let passed = 0;
/** @type {string[]} */
const failures = [];

/** @param {unknown} held @param {string} what */
function check(held, what) {
  if (held) return void passed++;
  failures.push(what);
  console.log(`FAILED ${what}`);
}

/**
 * @param {import("playwright-core").Browser} browser
 * @param {{ name: string, path: string }} runtime
 */
async function look(browser, runtime) {
  const file = fileURLToPath(new URL("server.ts", import.meta.url));
  const child = new Child(`server.ts on ${runtime.name}`, [
    runtime.path,
    ...runArguments(runtime.name, file, [], false),
  ], { seconds: 120 });
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  try {
    const { url } = JSON.parse((await child.wrote(/^(\{"url".*\})$/m, 30))[1]);
    const page = await context.newPage();
    const told = /** @type {string[]} */ ([]), asked = /** @type {string[]} */ ([]);
    page.on("pageerror", (error) => told.push(String(error)));
    page.on("console", (message) => told.push(message.text()));
    page.on("requestfailed", (request) => told.push(`${request.url()} failed`));
    page.on("request", (request) => asked.push(request.url()));
    const name = (/** @type {string} */ what) => `${runtime.name}: ${what}`;

    const response = await page.goto(url);
    check(response?.status() === 200, name("the page is there"));
    await page.getByText("synchronised, stratum 2").waitFor({ timeout: 15_000 });
    check(true, name("the clock is said to be synchronised"));

    const img = (/** @type {RegExp} */ label) => page.getByRole("img", { name: label });
    const plots = [
      /^Requests per second: now received \d+.*, answered \d+/,
      /^Largest error of the clock: now bound [\d.]+ .?s/,
      /^Offset of 127\.0\.0\.1: now offset/,
      /^Delay of 127\.0\.0\.1: now delay [\d.]+ .?s/,
    ];
    await page.waitForTimeout(3000); // as points come once a second
    for (const label of plots) {
      check(await img(label).count() > 0, name(`a plot is named ${label}`));
    }
    const lines = () =>
      page.locator("svg path").evaluateAll((paths) => paths.map((path) => path.getAttribute("d")));
    const before = await lines();
    await page.waitForTimeout(2500);
    const after = await lines();
    check(before.length >= 6, name(`there are ${before.length} lines`));
    check(after.every((line, i) => line !== before[i]), name("all lines move"));
    const rate = Number(await page.locator("#received").textContent());
    check(rate > 100 && rate < 2000, name(`${rate} requests per second`));
    const table = await page.getByRole("table", { name: "What became of them" }).innerText();
    check(/dropped: mode\s+[\d,]+\s+\d+/.test(table), name("drops are told by reason"));
    const networks = await page.getByRole("table", { name: "Requests by network, about" })
      .innerText();
    check(networks.includes("127.0.0.0/24"), name("who asks most is told"));
    const sources = page.getByRole("table", { name: /Servers and reference clocks/ });
    check(await sources.getByRole("row").count() === 3, name("both sources are in the table"));

    // By keyboard alone, and by names that a screen reader says.
    await page.keyboard.press("Tab");
    const focused = () => page.evaluate(() => document.activeElement?.textContent);
    check(await focused() === "Pause", name("the button comes first"));
    await page.keyboard.press("Enter");
    const pause = page.getByRole("button", { name: "Go on", pressed: true });
    check(await pause.count() === 1, name("it pauses"));
    const paused = await lines();
    await page.waitForTimeout(2200);
    check(String(await lines()) === String(paused), name("nothing moves then"));
    await page.keyboard.press("Space");
    check(String(await lines()) !== String(paused), name("it goes on"));
    for (const region of ["Table of sources", "Networks that ask most"]) {
      check(
        await page.getByRole("region", { name: region }).count() === 1,
        name(`region ${region}`),
      );
    }
    for (const title of ["Clock", "Requests", "Sources", "Who asks most"]) {
      check(
        await page.getByRole("heading", { name: title, exact: true }).count() === 1,
        name(title),
      );
    }

    for (const [size, width, height, colorScheme] of SIZES) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      await page.waitForTimeout(1200);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      check(wide <= 0, name(`${size}, ${colorScheme}: ${wide} pixels too wide`));
      await page.screenshot({
        path: join(SCREENSHOTS, `${runtime.name}-${size}-${colorScheme}.png`),
        fullPage: true,
      });
    }

    const foreign = asked.filter((one) => !one.startsWith(url) && !one.startsWith("data:"));
    check(foreign.length === 0, name(`nobody else is asked: ${foreign}`));
    check(told.length === 0, name(`nothing is complained of: ${told.join("; ")}`));
    child.closeInput();
    await page.getByText("The server does not answer").waitFor({ timeout: 10_000 });
    check(true, name("it says when the server is gone"));
    await child.ended;
    check(child.status === 0, name(`the server ended with ${child.status}: ${child.output}`));
  } catch (error) {
    check(false, `${runtime.name}: ${error}\n${child.output.slice(-2000)}`);
  } finally {
    await context.close();
    await child.stop();
  }
}

async function main() {
  killAllOnSignals();
  const { values } = parseArgs({ options: { runtime: { type: "string" } } });
  const found = Object.values(await findRuntimes(values.runtime?.split(",") ?? RUNTIMES));
  mkdirSync(SCREENSHOTS, { recursive: true });
  const browser = await openBrowser();
  try {
    console.log(`Chromium ${browser.version()}`);
    for (const runtime of found) await look(browser, runtime);
  } finally {
    await browser.close();
  }
  console.log(`${passed} passed, ${failures.length} failed; screenshots in ${SCREENSHOTS}`);
  return failures.length === 0 ? 0 : 1;
}

process.exit(await main());
