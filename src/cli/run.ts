import type { Command } from "./command.ts";
import { decode } from "./decode.ts";
import { commandHelp, generalHelp } from "./help.ts";
import { keygen } from "./keygen.ts";
import { listen } from "./listen.ts";
import { monitor } from "./monitor.ts";
import { nearest } from "./nearest.ts";
import { query } from "./query.ts";
import { report } from "./report.ts";
import { say } from "./say.ts";
import { serve } from "./serve.ts";
import { sync } from "./sync.ts";
import { ConfigError, UsageError } from "./usage_error.ts";
import { VERSION } from "./version.ts";
import type { World } from "./world.ts";

/** The subcommands, in the order of the help. */
const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ["query", query],
  ["serve", serve],
  ["sync", sync],
  ["listen", listen],
  ["monitor", monitor],
  ["report", report],
  ["decode", decode],
  ["keygen", keygen],
]);

/** Exit status of a command line that makes no sense. */
const USAGE = 2;

function isHelp(arg: string | undefined): boolean {
  return arg === "--help" || arg === "-h";
}

function unknownCommand(name: string): UsageError {
  const names = [...COMMANDS.keys(), "help"];
  if (name.startsWith("-")) {
    return new UsageError(`there is no option ${name} before the command; see ntps --help`);
  }
  const meant = nearest(name, names);
  const rest = meant === undefined ? `there are ${names.join(", ")}` : `did you mean ${meant}?`;
  return new UsageError(`there is no command ${name}; ${rest}`);
}

/** `ntps help [COMMAND]`, `ntps --help`, `ntps COMMAND --help`. */
function help(name: string | undefined, { stdout }: World): number {
  if (name === undefined) {
    stdout.write(generalHelp(COMMANDS, stdout));
    return 0;
  }
  const command = COMMANDS.get(name);
  if (command === undefined) throw unknownCommand(name);
  stdout.write(commandHelp(name, command, stdout));
  return 0;
}

async function dispatch(args: readonly string[], world: World): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined) {
    world.stderr.write(generalHelp(COMMANDS, world.stderr));
    return USAGE;
  }
  if (name === "--version" || name === "-V") {
    world.stdout.write(`ntps ${VERSION}\n`);
    return 0;
  }
  if (isHelp(name) || name === "help") return help(rest.find((arg) => !isHelp(arg)), world);
  const command = COMMANDS.get(name);
  if (command === undefined) throw unknownCommand(name);
  const end = rest.indexOf("--");
  if ((end < 0 ? rest : rest.slice(0, end)).some(isHelp)) return help(name, world);
  return await command.run(rest, world);
}

/**
 * The `ntps` command. Never throws: what goes wrong is one line on standard error.
 *
 * @param args the arguments, without the names of runtime and script
 * @param world all that it touches
 * @returns exit status: 0 all went well, 1 something did not, 2 the arguments make no sense
 */
export async function run(args: readonly string[], world: World): Promise<number> {
  const name = COMMANDS.has(args[0] ?? "") ? `ntps ${args[0]}` : "ntps";
  try {
    return await dispatch(args, world);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const problems = error instanceof ConfigError ? error.problems : [message];
    for (const problem of problems) say(world.stderr, `${name}: ${problem}`);
    return error instanceof UsageError ? USAGE : 1;
  }
}
