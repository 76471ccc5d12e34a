// What the tests look at in a Markdown file.

/** A fenced code block. */
export interface Block {
  /** What stands behind the opening fence: `ts`, `sh`, `text` … */
  readonly language: string;
  readonly code: string;
  /** Number of its first line of code, from 1. */
  readonly line: number;
}

/**
 * The fenced code blocks of a text.
 *
 * @throws {Error} if the last one has no end
 */
export function fencedBlocks(markdown: string): Block[] {
  const blocks: Block[] = [];
  let open: { indent: number; fence: string; language: string; at: number } | undefined;
  const lines = markdown.split("\n");
  lines.forEach((text, at) => {
    const [, indent, fence, language] = /^( *)(`{3,})(.*)$/.exec(text) ?? [];
    if (open === undefined) {
      if (fence === undefined) return;
      open = { indent: indent!.length, fence, language: language!.trim(), at };
    } else if (fence === open.fence && language === "") {
      const code = lines.slice(open.at + 1, at).map((line) => line.slice(open!.indent));
      blocks.push({ language: open.language, code: `${code.join("\n")}\n`, line: open.at + 2 });
      open = undefined;
    }
  });
  if (open !== undefined) throw new Error(`the code block of line ${open.at + 1} has no end`);
  return blocks;
}

/** The text without its code blocks and without code in lines. */
export function withoutCode(markdown: string): string {
  return markdown.replace(/^( *)(`{3,})[^`\n]*\n[^]*?^ *\2$/gm, "").replace(/`[^`\n]+`/g, "");
}

/** Targets of links, as written. */
export function linksOf(markdown: string): string[] {
  return [...withoutCode(markdown).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
}

/** Names of the headings, as links within a page have them. */
export function anchorsOf(markdown: string): string[] {
  const text = markdown.replace(/^( *)(`{3,})[^`\n]*\n[^]*?^ *\2$/gm, "");
  return [...text.matchAll(/^#+ +(.+)$/gm)].map(([, heading]) =>
    heading!.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")
  );
}

/** The rows of the table whose first heading is `heading`, cell by cell; empty if there is none. */
export function tableRows(markdown: string, heading: string): string[][] {
  const lines = markdown.split("\n");
  const cells = (line: string) => line.split("|").slice(1, -1).map((cell) => cell.trim());
  const head = lines.findIndex((line) => line.startsWith("|") && cells(line)[0] === heading);
  if (head < 0) return [];
  const rows: string[][] = [];
  for (let at = head + 2; lines[at]?.startsWith("|"); at++) rows.push(cells(lines[at]!));
  return rows;
}
