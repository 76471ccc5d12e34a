// How a TypeScript file of this repository is started on each runtime.
import { pathToFileURL } from "node:url";
import { IMPORT_MAP, NODE_HOOKS } from "./std_source.mjs";

/** Flags of Deno: all permissions, UDP, and the stand-ins where JSR cannot be reached. */
export function denoFlags(fromJsr) {
  return ["-A", "--unstable-net", ...(fromJsr ? [] : ["--import-map", IMPORT_MAP])];
}

/** Flags of Node: what tsconfig.json's `paths` do on Bun. */
export function nodeFlags() {
  return ["--import", pathToFileURL(NODE_HOOKS).href];
}

/**
 * The arguments that run a file.
 *
 * @param {string} name deno, bun or node
 * @param {boolean} fromJsr whether @std comes from JSR
 */
export function runArguments(name, file, args, fromJsr) {
  if (name === "deno") return ["run", "--no-check", ...denoFlags(fromJsr), file, ...args];
  if (name === "bun") return ["run", file, ...args];
  return [...nodeFlags(), file, ...args];
}
