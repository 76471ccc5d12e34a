// npm run docs: the documentation as a site of static files: README.md, the guides of docs/, and what
// `deno doc` makes of the sources. A link within it that leads nowhere is an error.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Marked } from "marked";
import { run } from "./child.mjs";
import { ROOT, runtimes } from "./runtimes.mjs";
import { IMPORT_MAP, reachesJsr } from "./std_source.mjs";

const STYLE = `
:root { color-scheme: light dark; --text: light-dark(#1c2024, #e8eaed); --dim: light-dark(#5a636c, #a3abb3);
  --back: light-dark(#fff, #14171a); --code: light-dark(#f3f5f7, #1f2429); --line: light-dark(#d9dde2, #343a41);
  --link: light-dark(#0b62c4, #6fb1ff); }
body { margin: 0 auto; padding: 1rem; max-width: 52rem; background: var(--back); color: var(--text);
  font: 17px/1.6 system-ui, sans-serif; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; border-bottom: 1px solid var(--line); padding-bottom: .75rem; }
a { color: var(--link); }
pre { background: var(--code); padding: .75rem 1rem; overflow-x: auto; border-radius: .375rem; }
code { font: .9em/1.5 ui-monospace, monospace; }
table { display: block; overflow-x: auto; border-collapse: collapse; }
th, td { text-align: left; padding: .25rem 1rem .25rem 0; border-top: 1px solid var(--line); vertical-align: top; }
blockquote { margin: 0; padding-left: 1rem; border-left: 4px solid var(--line); color: var(--dim); }
`;

/** Name of a heading in links, as GitHub makes it. */
const slug = (text) =>
  text.toLowerCase().replace(/<[^>]+>/g, "").replace(/&[^;]+;/g, "").replace(
    /[^\p{L}\p{N} _-]/gu,
    "",
  )
    .replaceAll(" ", "-");

/** Files that are pages, by their path from the root. */
function pages() {
  const guides = readdirSync(join(ROOT, "docs")).filter((name) => name.endsWith(".md")).sort();
  return new Map([
    ["README.md", "index.html"],
    ...guides.map((name) => [`docs/${name}`, name.replace(/\.md$/, ".html")]),
    ["ARCHITECTURE.md", "architecture.html"],
    ["SECURITY.md", "security.html"],
    ["CONTRIBUTING.md", "contributing.html"],
    ["CHANGELOG.md", "changelog.html"],
  ]);
}

const REPOSITORY = "https://github.com/ntps/ntps/blob/main/";

/** Where a link leads: to a page of the site, to the repository, or elsewhere. */
function target(href, path, all) {
  if (/^[a-z]+:|^#/.test(href)) return href;
  const [file, anchor] = href.split("#");
  const full = join(dirname(path), file).replace(/^\.\//, "");
  const page = all.get(full);
  if (page !== undefined) return page + (anchor ? `#${anchor}` : "");
  if (!existsSync(join(ROOT, full))) {
    throw new Error(`${path} links to ${href}, which there is not`);
  }
  return REPOSITORY + full;
}

const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;");

function render(path, all, titles) {
  const markdown = readFileSync(join(ROOT, path), "utf8");
  const renderer = {
    heading({ tokens, depth }) {
      const text = this.parser.parseInline(tokens);
      return `<h${depth} id="${slug(text)}">${text}</h${depth}>\n`;
    },
    link({ href, tokens }) {
      return `<a href="${escaped(target(href, path, all))}">${this.parser.parseInline(tokens)}</a>`;
    },
  };
  const body = new Marked({ renderer, gfm: true }).parse(markdown);
  const links = [...titles].map(([other, title]) =>
    `<a href="${all.get(other)}"${other === path ? ' aria-current="page"' : ""}>${
      escaped(title)
    }</a>`
  );
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(titles.get(path))}</title><link rel="stylesheet" href="style.css"></head>
<body><nav aria-label="Documentation">${links.join("\n")}\n<a href="api/index.html">API</a></nav>
<main>${body}</main></body></html>
`;
}

/** Throws if a link of a page leads nowhere within the site. */
function checkLinks(folder, names) {
  const faults = names.flatMap((name) => {
    const text = readFileSync(join(folder, name), "utf8");
    return [...text.matchAll(/href="([^"]+)"/g)].flatMap(([, href]) => {
      if (/^[a-z]+:/.test(href)) return [];
      const [file, anchor] = href.split("#");
      const at = join(folder, file || name);
      if (!existsSync(at)) return [`${name}: ${href} is not there`];
      if (!anchor || !file.endsWith(".html") && file !== "") return [];
      return readFileSync(at, "utf8").includes(`id="${anchor}"`)
        ? []
        : [`${name}: there is no ${href}`];
    });
  });
  if (faults.length > 0) throw new Error(faults.join("\n"));
}

/**
 * Makes the site.
 *
 * @param {string} folder where; what is there already goes
 * @returns {Promise<string>} a line about it
 */
export async function buildSite(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const { deno } = await runtimes(["deno"], console.error);
  const { exports } = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8"));
  const map = await reachesJsr(deno.path) ? [] : ["--import-map", IMPORT_MAP];
  const api = ["doc", "--html", "--name=@ntps/ntps", `--output=${join(folder, "api")}`, ...map];
  const { code, output } = await run(deno.path, [...api, ...Object.values(exports)], {
    cwd: ROOT,
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
  });
  if (code !== 0) throw new Error(output);
  const all = pages();
  const titles = new Map([...all.keys()].map((path) => [
    path,
    /^# (.+)$/m.exec(readFileSync(join(ROOT, path), "utf8"))?.[1].replaceAll("`", "") ?? path,
  ]));
  writeFileSync(join(folder, "style.css"), STYLE);
  for (const [path, name] of all) writeFileSync(join(folder, name), render(path, all, titles));
  checkLinks(folder, [...all.values()]);
  const files = readdirSync(folder, { recursive: true }).length;
  return `${all.size} pages and the API, ${files} files`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = join(ROOT, ".cache", "site");
  console.log(`${await buildSite(folder)} in ${folder}`);
}
