import { parseArgs } from "node:util";

const DEFAULT_COUNT = 20_000_000, QUICK_COUNT = 2_000_000;

/** What the command line of the fuzzer says. */
export interface Options {
  /** Packets in all. */
  readonly count: number;
  /** 32 bits. */
  readonly seed: number;
  /** Names of targets. */
  readonly targets: readonly string[];
  /** Names of runtimes. */
  readonly runtimes: readonly string[];
  /** One JSON object on stdout and nothing else. */
  readonly json: boolean;
  /** Where findings are saved. */
  readonly findings: string;
  /** A packet to pass in instead of fuzzing, in hexadecimal. */
  readonly replay: string | undefined;
}

/** What is wrong with a command line, in one sentence. */
export class UsageError extends Error {}

/** Help text. */
export const USAGE: string = `usage: npm run fuzz -- [option…]
  --quick           ${QUICK_COUNT / 1e6} million packets: under 45 s
  --count N         packets in all; default ${DEFAULT_COUNT / 1e6} million
  --seed N          0 to 4294967295; default: a random one, which is printed
  --target NAME     decoder, responder, guarded-responder, client, keyed-client, key-exchange,
                    nts-server, nts-client, ntpv5, nmea, gpsd, shm or sock (may be given again);
                    default: all
  --runtime NAME    deno, bun or node (may be given again); default: all
  --json            one JSON object on stdout and nothing else
  --findings FILE   where findings are saved; default .cache/fuzz/findings.json
  --replay HEX      pass in this one packet, and say what does not hold`;

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new UsageError(`--${name} ${text}: wants a whole number from ${least} to ${most}`);
  }
  return value;
}

function names(option: string, given: string[] | undefined, known: readonly string[]): string[] {
  const unknown = given?.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`--${option} ${unknown}: there are ${known.join(", ")}`);
  }
  return known.filter((name) => given === undefined || given.includes(name));
}

/**
 * Reads a command line.
 *
 * @param args what stands behind the command
 * @param known names of all targets and runtimes
 * @returns the options; `undefined` when help is asked for
 * @throws {UsageError} if something is wrong with it
 */
export function readOptions(
  args: string[],
  known: { targets: readonly string[]; runtimes: readonly string[] },
): Options | undefined {
  const { values } = parse(args);
  if (values.help) return undefined;
  const count = values.count ?? String(values.quick ? QUICK_COUNT : DEFAULT_COUNT);
  return {
    count: wholeNumber("count", count, 1, 1e12),
    seed: values.seed === undefined
      ? crypto.getRandomValues(new Uint32Array(1))[0]!
      : wholeNumber("seed", values.seed, 0, 0xffffffff),
    targets: names("target", values.target, known.targets),
    runtimes: names("runtime", values.runtime, known.runtimes),
    json: values.json === true,
    findings: values.findings ?? ".cache/fuzz/findings.json",
    replay: values.replay,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        quick: { type: "boolean" },
        count: { type: "string" },
        seed: { type: "string" },
        target: { type: "string", multiple: true },
        runtime: { type: "string", multiple: true },
        json: { type: "boolean" },
        findings: { type: "string" },
        replay: { type: "string" },
        help: { type: "boolean" },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
