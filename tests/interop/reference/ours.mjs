// What of ours runs on a machine: the command, and what tells others the time.

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { runArguments } from "../../../tools/launch.mjs";
import { Child } from "../children.mjs";

const COMMAND = fileURLToPath(new URL("../../../src/cli/main.ts", import.meta.url));
const TELLER = fileURLToPath(new URL("teller.c", import.meta.url));

/**
 * The command `ntps`.
 *
 * @param {import("../ours.mjs").Runtime} runtime
 * @param {import("./machine.mjs").Machine} machine
 * @param {string[]} args
 */
export function ntps(runtime, machine, args) {
  const command = [runtime.path, ...runArguments(runtime.name, COMMAND, args, false)];
  return new Child(`ntps on ${runtime.name}`, machine.command(command), { seconds: 120 });
}

/**
 * Compiles the program that tells the time as others do.
 *
 * @param {string} folder where to
 * @returns {string} its path
 */
export function compileTeller(folder) {
  const path = `${folder}/teller`;
  execFileSync("gcc", ["-O2", "-Wall", "-Wextra", "-Werror", "-o", path, TELLER], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  return path;
}
