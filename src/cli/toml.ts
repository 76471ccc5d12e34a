import { UsageError } from "./usage_error.ts";

/** A table of TOML. */
export type TomlTable = Readonly<Record<string, unknown>>;

/**
 * Reads TOML.
 *
 * @param text the content of a file
 * @param path its name, for errors
 * @throws {UsageError} with line and column, if it is none
 */
export async function readToml(text: string, path: string): Promise<TomlTable> {
  // Loaded for those only who have a configuration file.
  const { parse, TomlError } = await import("smol-toml");
  try {
    return parse(text) as TomlTable;
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [what] = error.message.replace(/^Invalid TOML document: /, "").split("\n");
    throw new UsageError(`${path}:${error.line}:${error.column}: this is no TOML: ${what}`);
  }
}

/**
 * Where a key is, for messages: the parser does not tell.
 *
 * @param text the content of a file, which is TOML
 * @param section the table that it is in; empty, it is in none
 * @param key its name; absent, the place of the table itself
 * @returns `LINE:COLUMN`, from 1
 */
export function placeOf(text: string, section: string, key?: string): string {
  let current = "", header: string | undefined;
  for (const [i, line] of text.split("\n").entries()) {
    const table = /^\s*\[\s*["']?([^\]"']+?)["']?\s*\]/.exec(line)?.[1];
    if (table !== undefined) {
      current = table;
      const place = `${i + 1}:${line.indexOf("[") + 1}`;
      if (table === section && key === undefined) return place;
      if (table === section) header ??= place;
      continue;
    }
    const [, indent = "", name] = /^(\s*)((?:[\w.-]|"[^"]*"|'[^']*')+)\s*=/.exec(line) ?? [];
    if (name === undefined) continue;
    const parts = name.split(".").map((part) => part.replace(/^["']|["']$/g, ""));
    const path = [...(current === "" ? [] : [current]), ...parts].join(".");
    const wanted = [...(section === "" ? [] : [section]), ...(key === undefined ? [] : [key])];
    const isIt = path === wanted.join(".") || (key === undefined && path.startsWith(`${section}.`));
    if (isIt) return `${i + 1}:${indent.length + 1}`;
  }
  return header ?? "1:1";
}
