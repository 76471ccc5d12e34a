import { readFileSync } from "node:fs";

function cellsOf(line: string): string[] {
  return line.startsWith("|") ? line.split("|").slice(1, -1).map((cell) => cell.trim()) : [];
}

/** The rows of the table in README.md that has these headings. */
export function readTable(...headings: string[]): string[][] {
  const text = readFileSync(new URL("README.md", import.meta.url), "utf8");
  const lines = text.split("\n").map(cellsOf);
  const start = lines.findIndex((cells) => cells.join("|") === headings.join("|"));
  if (start < 0) throw new Error(`README.md has no table ${headings.join(", ")}`);
  const end = lines.findIndex(({ length }, i) => i > start && length === 0);
  return lines.slice(start + 2, end);
}
