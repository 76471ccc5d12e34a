import { readFileSync } from "node:fs";
import { decodeHex } from "@std/encoding/hex";

function packets(path: string): Uint8Array[] {
  const file = new URL(`../data/${path}`, import.meta.url);
  const entries = JSON.parse(readFileSync(file, "utf8")) as { hex: string }[];
  return entries.map(({ hex }) => decodeHex(hex));
}

/** The packets that mutations begin with: those made for it, and the captured ones. */
export function readCorpus(): Uint8Array[] {
  return [...packets("fuzz/corpus.json"), ...packets("captured.json")];
}
