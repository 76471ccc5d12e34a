/**
 * What the command uses of `@std`, and the one place that says where it is from: from JSR on Deno,
 * else, and where JSR cannot be reached, from the stand-ins in `tools/std`. Bun and Node must not
 * even try: on npm the scope `@std` is another owner's.
 *
 * @module
 */
import type * as parseArgsModule from "../../tools/std/parse_args.ts";
import type * as hexModule from "../../tools/std/hex.ts";

async function load<T>(std: () => Promise<unknown>, standIn: () => Promise<T>): Promise<T> {
  if (!("Deno" in globalThis)) return await standIn();
  try {
    return await std() as T;
  } catch {
    return await standIn();
  }
}

const args = await load<typeof parseArgsModule>(
  () => import("@std/cli/parse-args"),
  () => import("../../tools/std/parse_args.ts"),
);
const hex = await load<typeof hexModule>(
  () => import("@std/encoding/hex"),
  () => import("../../tools/std/hex.ts"),
);

/** Takes command-line arguments apart. */
export const parseArgs: typeof parseArgsModule.parseArgs = args.parseArgs;

/** Bytes as hexadecimal. */
export const encodeHex: typeof hexModule.encodeHex = hex.encodeHex;

/** Hexadecimal as bytes. */
export const decodeHex: typeof hexModule.decodeHex = hex.decodeHex;
