import type { Output } from "./world.ts";

/** Longest line: what a stranger writes may be longer than anybody reads. */
const MOST = 2000;
/** What could break a line, drive a terminal, or change the order in which text is read. */
// deno-lint-ignore no-control-regex
const UNFIT = /[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g;

/** Text as one line of ordinary characters, cut off where it is too long. */
export function oneLine(text: string): string {
  const line = text.replace(UNFIT, " ");
  return line.length > MOST ? `${line.slice(0, MOST)}…` : line;
}

/** Writes one line, whatever the text: part of it may come from a stranger. */
export function say(output: Output, text: string): void {
  output.write(`${oneLine(text)}\n`);
}
