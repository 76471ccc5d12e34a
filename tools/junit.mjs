// Reads the JUnit reports that `deno test`, `bun test` and `node --test` write.
import { isAbsolute, normalize, relative } from "node:path";

/**
 * One test of a report.
 *
 * @typedef {{ file: string, name: string, status: "passed" | "failed" | "skipped" }} TestCase
 */

/**
 * The tests of a report, files relative to `root`.
 *
 * @param {string} xml
 * @param {string} root
 * @returns {TestCase[]}
 */
export function parseJunit(xml, root) {
  const cases = [];
  let current;
  for (const tag of tags(xml)) {
    if (tag.name === "testcase" && !tag.closes) {
      const { name = "", file, classname = "" } = tag.attributes;
      current = { file: inRepository(file ?? classname, root), name, status: "passed" };
      cases.push(current);
    } else if (current && !tag.closes && (tag.name === "failure" || tag.name === "error")) {
      current.status = "failed";
    } else if (current && !tag.closes && tag.name === "skipped") {
      current.status = "skipped";
    }
  }
  return cases;
}

function inRepository(file, root) {
  const path = isAbsolute(file) ? relative(root, file) : normalize(file);
  return path.replaceAll("\\", "/");
}

/** Attribute values may hold `>`, so a tag ends at the first one that is outside of quotes. */
function* tags(xml) {
  const pattern = /<!--[^]*?-->|<!\[CDATA\[[^]*?\]\]>|<(\/?)([A-Za-z]+)((?:[^>"]|"[^"]*")*)>/g;
  for (const [, slash, name, attributes] of xml.matchAll(pattern)) {
    if (name) yield { name, closes: slash === "/", attributes: parseAttributes(attributes) };
  }
}

function parseAttributes(text) {
  const attributes = {};
  for (const [, name, value] of text.matchAll(/([\w-]+)="([^"]*)"/g)) {
    attributes[name] = unescape(value);
  }
  return attributes;
}

const ENTITIES = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function unescape(text) {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (hex || decimal) return String.fromCodePoint(Number.parseInt(hex ?? decimal, hex ? 16 : 10));
    return ENTITIES[name] ?? whole;
  });
}
