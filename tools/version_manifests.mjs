// Where the version of the package stands, and how it is raised. Pure: texts in, texts out.

/** Files that name the version, and where in them. */
const PLACES = {
  "deno.json": /^( {2}"version": ")([^"]+)(")/m,
  "jsr.json": /^( {2}"version": ")([^"]+)(")/m,
  "package.json": /^( {2}"version": ")([^"]+)(")/m,
  // Of the package itself, twice: at the top, and as the first of the packages.
  "package-lock.json":
    /^((?: {2}| {6})"version": ")([^"]+)(",\n(?: {2}"lockfileVersion"| {6}"license"))/gm,
  "src/cli/version.ts": /^(export const VERSION = ")([^"]+)(")/m,
};
const CHANGELOG = "CHANGELOG.md";
const UNRELEASED = "## [Unreleased]\n";
const SEMVER = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z.-]+))?$/;

/** All files that a release changes. */
export const FILES = [...Object.keys(PLACES), CHANGELOG];

/**
 * The version that all manifests name.
 *
 * @param {Record<string, string>} texts of {@linkcode FILES}
 * @returns {string}
 */
export function versionOf(texts) {
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const [path, place] of Object.entries(PLACES)) {
    const versions = path === "package-lock.json"
      ? [...texts[path].matchAll(place)].map(([, , version]) => version)
      : [place.exec(texts[path])?.[2]];
    if (versions.length === 0 || versions.includes(undefined)) {
      throw new Error(`${path}: no version where one should be`);
    }
    for (const version of versions) found.set(/** @type {string} */ (version), path);
  }
  if (found.size > 1) {
    const list = [...found].map(([version, path]) => `${version} in ${path}`).join(", ");
    throw new Error(`the manifests do not agree: ${list}`);
  }
  return [...found.keys()][0];
}

/**
 * The files of a release.
 *
 * @param {Record<string, string>} texts of {@linkcode FILES}
 * @param {string} version the new one
 * @param {string} date of the release, as 2026-11-24
 * @returns {Record<string, string>}
 */
export function raise(texts, version, date) {
  if (!SEMVER.test(version)) {
    throw new Error(`"${version}" is no version: write MAJOR.MINOR.PATCH, such as 1.2.0`);
  }
  const current = versionOf(texts), changelog = texts[CHANGELOG];
  const isReleased = changelog.includes(`\n## [${current}]`);
  const order = compare(version, current);
  if (order < 0 || (order === 0 && isReleased)) {
    throw new Error(`${version} is not above ${current}, which there is already`);
  }
  const at = changelog.indexOf(UNRELEASED);
  if (at < 0) throw new Error(`${CHANGELOG}: no section "${UNRELEASED.trim()}"`);
  const rest = changelog.slice(at + UNRELEASED.length);
  const end = rest.search(/^## \[/m);
  if (!/^- /m.test(end < 0 ? rest : rest.slice(0, end))) {
    throw new Error(`${CHANGELOG}: nothing stands under "Unreleased": say what has changed`);
  }
  const raised = Object.entries(PLACES).map(([path, place]) => [
    path,
    texts[path].replace(place, (_, before, __, after) => `${before}${version}${after}`),
  ]);
  return {
    ...Object.fromEntries(raised),
    [CHANGELOG]: `${changelog.slice(0, at)}${UNRELEASED}\n## [${version}] - ${date}\n${rest}`,
  };
}

/**
 * Order of two versions (Semantic Versioning, 11).
 *
 * @param {string} a
 * @param {string} b
 * @returns {number} below 0, 0 or above 0
 */
export function compare(a, b) {
  const [left, right] = [a, b].map((text) => /** @type {RegExpExecArray} */ (SEMVER.exec(text)));
  for (const i of [1, 2, 3]) {
    const difference = Number(left[i]) - Number(right[i]);
    if (difference !== 0) return difference;
  }
  if (left[4] === undefined || right[4] === undefined) {
    return Number(left[4] === undefined) - Number(right[4] === undefined);
  }
  const lefts = left[4].split("."), rights = right[4].split(".");
  for (let i = 0; i < Math.max(lefts.length, rights.length); i++) {
    const x = lefts[i], y = rights[i];
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
    if (x === y) continue;
    const numbers = [x, y].map((part) => /^\d+$/.test(part));
    if (numbers[0] && numbers[1]) return Number(x) - Number(y);
    if (numbers[0] !== numbers[1]) return numbers[0] ? -1 : 1;
    return x < y ? -1 : 1;
  }
  return 0;
}
