import type { Output } from "./world.ts";

/** Text without the characters that could break a line or drive a terminal. */
export function oneLine(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x1f\x7f-\x9f]+/g, " ");
}

/** Writes one line, whatever the text: part of it may come from a stranger. */
export function say(output: Output, text: string): void {
  output.write(`${oneLine(text)}\n`);
}
