/**
 * The `ntps` command: asks time servers, serves time, reads packets.
 *
 * ```sh
 * deno run -A --unstable-net jsr:@ntps/ntps/cli query pool.ntp.org
 * npx @ntps/ntps query pool.ntp.org
 * bunx @ntps/ntps query pool.ntp.org
 * ```
 *
 * Importing this module runs it.
 *
 * @module
 */
import process from "node:process";
import { run } from "./run.ts";
import { systemWorld } from "./system_world.ts";

// Not process.exit(): what is written to a pipe would be cut off.
process.exitCode = await run(process.argv.slice(2), systemWorld());
