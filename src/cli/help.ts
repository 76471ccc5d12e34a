import { type Command, HELP, optionName } from "./command.ts";
import type { Option } from "./option.ts";
import type { Output } from "./world.ts";

/** Bold print, where it is seen as such. */
export function bold(text: string, { styled }: Output): string {
  return styled ? `\x1b[1m${text}\x1b[22m` : text;
}

/** How wide a terminal is. */
const WIDTH = 80;

/** Text in lines, broken between words. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/** Two columns, the second wrapped and aligned. */
function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  const indent = " ".repeat(width + 4);
  return rows.map(([left, right]) => {
    const lines = wrapped(right, WIDTH - indent.length).join(`\n${indent}`);
    return `  ${left.padEnd(width)}  ${lines}\n`;
  }).join("");
}

function optionRow(name: string, { letter, value, bare, help, initialText }: Option<unknown>) {
  const short = letter === undefined ? "    " : `-${letter}, `;
  const shown = initialText === undefined ? help : `${help} (${initialText})`;
  const given = value === undefined ? "" : bare === undefined ? ` ${value}` : `[=${value}]`;
  return [`${short}${name}${given}`, shown] as const;
}

/** The help of a subcommand. */
export function commandHelp(name: string, command: Command, output: Output): string {
  const { summary, operands, details, options } = command;
  const rows = [
    ...Object.entries(options).map(([key, option]) => optionRow(optionName(key), option)),
    optionRow("--help", HELP),
  ];
  const usage = `ntps ${name} [OPTION]…${operands === "" ? "" : ` ${operands}`}`;
  return `${summary}\n\n${bold("Usage:", output)} ${usage}\n\n` +
    `${bold("Options:", output)}\n${columns(rows)}\n${details.trim()}\n`;
}

/** The help of `ntps` itself. */
export function generalHelp(commands: ReadonlyMap<string, Command>, output: Output): string {
  const rows = [...commands].map(([name, { summary }]) => [name, summary] as const);
  return `NTP: ask time servers, serve time, read packets.\n\n` +
    `${bold("Usage:", output)} ntps COMMAND [OPTION]… [ARGUMENT]…\n\n` +
    `${bold("Commands:", output)}\n${columns(rows)}\n` +
    `${bold("Options:", output)}\n` +
    columns([
      ["-h, --help", "show this help; ntps COMMAND --help: that of a command"],
      ["-V, --version", "show the version"],
    ]);
}
