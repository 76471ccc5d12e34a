// npm run version:raise -- 1.2.0: the version in every manifest, and the section of the changelog.
// `--check [v1.2.0]` changes nothing: do all manifests agree, and with that tag?
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { FILES, raise, versionOf } from "./version_manifests.mjs";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

function main([given, tag, ...more]) {
  if (given === undefined || given.startsWith("-") && given !== "--check" || more.length > 0) {
    throw new Error("usage: npm run version:raise -- VERSION, or --check [TAG]");
  }
  const texts = Object.fromEntries(
    FILES.map((path) => [path, readFileSync(join(ROOT, path), "utf8")]),
  );
  if (given === "--check") {
    const version = versionOf(texts);
    if (tag !== undefined && tag !== `v${version}`) {
      throw new Error(`the tag is ${tag}, and the manifests say ${version}`);
    }
    return `all manifests say ${version}`;
  }
  const changed = execFileSync("git", ["status", "--porcelain"], { cwd: ROOT, encoding: "utf8" });
  if (changed !== "") throw new Error(`there are changes that are not committed:\n${changed}`);
  const raised = raise(texts, given, new Date().toISOString().slice(0, 10));
  for (const [path, text] of Object.entries(raised)) writeFileSync(join(ROOT, path), text);
  return `${versionOf(texts)} is ${given} now. Look at it, then: ` +
    `git commit -am "Release ${given}" && git tag v${given} && git push --follow-tags`;
}

try {
  console.log(main(process.argv.slice(2)));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
