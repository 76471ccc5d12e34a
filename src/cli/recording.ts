import { UsageError } from "./usage_error.ts";

/** What came of one question to one server. Durations are seconds. */
export interface Observation {
  /** When it was asked, in Unix seconds. */
  readonly at: number;
  /** The server as it was named. */
  readonly host: string;
  /** What to add to the clock of this computer; undefined if there was no answer. */
  readonly offset?: number;
  /** The way there and back. */
  readonly delay?: number;
  /** How wrong the time may be once the offset is added. */
  readonly distance?: number;
  /** Stratum of the server. */
  readonly stratum?: number;
  /** Why there was no answer: code of the error. */
  readonly error?: string;
}

/** Columns of a recording as CSV, and keys of one as JSON lines. */
const NUMBERS = ["offset", "delay", "distance", "stratum"] as const;

/** First line of a recording as CSV. */
export const CSV_HEAD: string = `time,host,${NUMBERS.join(",")},error`;

function timeOf(at: number): string {
  return new Date(Math.round(at * 1000)).toISOString();
}

/** An observation as a line of CSV. */
export function csvLine(one: Observation): string {
  const cells = [timeOf(one.at), one.host, ...NUMBERS.map((name) => one[name]), one.error];
  return cells.map((cell) => quoted(`${cell ?? ""}`)).join(",");
}

/** An observation as a line of JSON. */
export function jsonLine(one: Observation): string {
  const { at, ...rest } = one;
  return JSON.stringify({ time: timeOf(at), ...rest });
}

/** RFC 4180: what has commas or quotes is quoted. */
function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replace(/"/g, '""')}"` : cell;
}

/**
 * Reads a recording.
 *
 * @param text CSV or JSON lines, as `ntps monitor` writes them
 * @param name what to call it in errors
 * @throws {UsageError} naming the line, if it is neither
 */
export function readRecording(text: string, name: string): Observation[] {
  const lines = text.split(/\r?\n/);
  const isJson = lines[0]?.startsWith("{");
  if (!isJson && lines[0] !== CSV_HEAD) {
    throw new UsageError(
      `${name} is no recording: its first line is neither JSON nor "${CSV_HEAD}", as ntps monitor writes`,
    );
  }
  return lines.flatMap((line, i) => {
    if (line === "" || (!isJson && i === 0)) return [];
    const found = isJson ? fromJson(line) : fromCells(cellsOf(line));
    // The last line of one that was cut off, as by a crash, is not whole.
    if (found === undefined && i === lines.length - 1) return [];
    if (found === undefined) {
      throw new UsageError(`${name}, line ${i + 1}, is no observation: ${line.slice(0, 60)}`);
    }
    return [found];
  });
}

function cellsOf(line: string): string[] {
  const cells = line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g);
  return Array.from(cells, ([, inQuotes, plain]) => inQuotes?.replace(/""/g, '"') ?? plain ?? "");
}

function fromCells(cells: readonly string[]): Observation | undefined {
  if (cells.length !== NUMBERS.length + 3) return undefined;
  const [time, host, ...rest] = cells;
  const error = rest.pop();
  const numbers = NUMBERS.map((key, i) => [key, rest[i] === "" ? undefined : Number(rest[i])]);
  return checked({ time, host, ...Object.fromEntries(numbers), ...(error && { error }) });
}

function fromJson(line: string): Observation | undefined {
  try {
    return checked(JSON.parse(line));
  } catch {
    return undefined;
  }
}

function checked(read: Record<string, unknown>): Observation | undefined {
  const { time, host, error } = read;
  const at = typeof time === "string" ? Date.parse(time) / 1000 : NaN;
  if (Number.isNaN(at) || typeof host !== "string" || host === "") return undefined;
  const numbers: Record<string, number> = {};
  for (const key of NUMBERS) {
    const value = read[key];
    if (value === undefined || value === null) continue;
    if (typeof value !== "number" || !Number.isFinite(value)) return undefined;
    numbers[key] = value;
  }
  return { at, host, ...numbers, ...(typeof error === "string" && { error }) };
}
