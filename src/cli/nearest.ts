/** Edits between two words: letters put in, left out, exchanged, or swapped with the next. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      row[j] = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) row[j] = Math.min(row[j]!, before[j - 2]! + 1);
    }
    before = above;
    above = row;
  }
  return above[b.length]!;
}

/**
 * The name that was probably meant.
 *
 * @param word what was written
 * @param names what would be right
 * @returns the nearest name, if it is near
 */
export function nearest(word: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 2));
  for (const name of names) {
    const edits = word !== "" && name.startsWith(word) ? 0 : distance(word, name);
    if (edits > least || (edits === least && best !== undefined)) continue;
    best = name;
    least = edits;
  }
  return best;
}
