// A real Chromium without a window, for what runs in one.

import { execFileSync } from "node:child_process";
import process from "node:process";
import { chromium as launcher } from "playwright-core";

/** @returns {string} its path: that on PATH, or Debian's, installed where this runs as root */
function findChromium() {
  const find = () => {
    for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
      try {
        return execFileSync("which", [name], { encoding: "utf8" }).trim();
      } catch { /* the next one */ }
    }
    return undefined;
  };
  const found = find();
  if (found !== undefined) return found;
  if (process.getuid?.() !== 0) {
    throw new Error("there is no Chromium: install it, on Debian by: apt-get install chromium");
  }
  console.log("installing chromium");
  const options = {
    stdio: /** @type {const} */ (["ignore", "ignore", "inherit"]),
    timeout: 300_000,
  };
  execFileSync("apt-get", ["update", "-q"], options);
  execFileSync(
    "apt-get",
    ["install", "-qy", "--no-install-recommends", "chromium", "fonts-dejavu-core"],
    { ...options, env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } },
  );
  return find() ?? "chromium";
}

/** @returns {Promise<import("playwright-core").Browser>} */
export async function openBrowser() {
  return await launcher.launch({
    executablePath: findChromium(),
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [], // it refuses to run as root otherwise
  });
}
