// npm test: the whole suite on Deno, Bun and Node, and how many tests ran on each.
//
//   npm test                              everything under tests/ but tests/interop
//   npm test -- tests/packet              some folders or files
//   npm test -- --runtime deno,node       some runtimes
//   npm test -- --verbose                 all that the runners print, one runtime after the other
//   npm test -- --timeout 300             seconds that one runtime may take (default 900)
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { run } from "./child.mjs";
import { parseJunit } from "./junit.mjs";
import { denoFlags, nodeFlags } from "./launch.mjs";
import { ROOT, RUNTIMES, runtimes } from "./runtimes.mjs";
import { describeStd, reachesJsr } from "./std_source.mjs";
import { differences, table } from "./suite_report.mjs";

const PROGRESS_MS = 15_000;

/** What a runner prints for a test that passed or was left out: of no interest when others fail. */
const QUIET_LINES = {
  deno: /^(.* \.\.\. .*(ok|ignored)\b.*\(.*\)|running \d+ tests? from .*)$/,
  bun: /^(\((pass|skip)\) .*|\S+_test\.ts:|bun test v.*)$/,
  node: /^\s*([✔﹣▶] .*|ℹ (suites|cancelled|todo|tests|pass|fail|skipped|duration_ms) .*)$/u,
};
const FINISHED_TEST = {
  deno: / \.\.\. .*(ok|FAILED|ignored)\b.*\(/g,
  bun: /^\((pass|fail|skip)\) /gm,
  node: /^\s*[✔✖﹣] /gmu,
};

function testArguments(name, files, report, fromJsr) {
  if (name === "deno") {
    return ["test", "--no-check", ...denoFlags(fromJsr), `--junit-path=${report}`, ...files];
  }
  if (name === "bun") {
    // Without ./ Bun takes a path for a filter over all files that look like tests.
    const paths = files.map((file) => `./${file}`);
    return [
      "test",
      "--timeout=120000",
      "--reporter=junit",
      `--reporter-outfile=${report}`,
      ...paths,
    ];
  }
  const reporters = ["spec", "stdout", "junit", report].map((value, index) =>
    `--test-reporter${index % 2 ? "-destination" : ""}=${value}`
  );
  return [...nodeFlags(), "--test", ...reporters, ...files];
}

/** Files named `*_test.ts` in the given folders, relative to the repository. */
function testFiles(paths) {
  const files = paths.flatMap((path) => {
    const full = resolve(ROOT, path);
    if (!existsSync(full)) throw new Error(`${path} does not exist`);
    return statSync(full).isDirectory() ? walk(full) : [full];
  });
  return [...new Set(files)].map((file) => relative(ROOT, file).replaceAll("\\", "/")).sort();
}

function walk(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === "data" ? [] : walk(path);
    return entry.name.endsWith("_test.ts") ? [path] : [];
  });
}

/** Runs the files on one runtime. */
async function runOn(runtime, files, { fromJsr, folder, verbose, timeoutMs }) {
  const { name, path } = runtime;
  const report = join(folder, `${name}.xml`);
  const started = Date.now();
  let finished = 0;
  const ticker = setInterval(() => {
    console.log(`  ${name}: ${finished} tests so far, ${seconds(started)} s`);
  }, PROGRESS_MS);
  const result = await run(path, testArguments(name, files, report, fromJsr), {
    cwd: ROOT,
    env: { NO_COLOR: "1", FORCE_COLOR: undefined, NODE_TEST_CONTEXT: undefined },
    timeoutMs,
    onOutput: (text) => {
      finished += text.match(FINISHED_TEST[name])?.length ?? 0;
      if (verbose) process.stdout.write(text);
    },
  });
  clearInterval(ticker);
  const cases = existsSync(report) ? parseJunit(readFileSync(report, "utf8"), ROOT) : [];
  const count = (status) => cases.filter((one) => one.status === status).length;
  const row = {
    runtime,
    cases,
    passed: count("passed"),
    failed: count("failed"),
    skipped: count("skipped"),
    seconds: seconds(started),
    problems: [],
  };
  if (result.timedOut) {
    row.problems.push(
      `was ended after ${
        timeoutMs / 1000
      } s; an open socket or timer keeps a test file from its end`,
    );
  } else if (cases.length === 0) row.problems.push("ran no test");
  else if (result.code !== 0 && row.failed === 0) {
    row.problems.push(`ended with exit code ${result.code} though no test failed`);
  }
  if (row.failed > 0 || row.problems.length > 0) {
    if (!verbose) console.log(interesting(name, result.output));
  }
  console.log(`  ${name} ${runtime.version}: ${summary(row)} in ${row.seconds} s`);
  return row;
}

function interesting(name, output) {
  const lines = output.split("\n").filter((line) => !QUIET_LINES[name].test(line));
  return `--- ${name} ---\n${lines.join("\n").trim()}\n--- end of ${name} ---`;
}

function seconds(since) {
  return ((Date.now() - since) / 1000).toFixed(1);
}

function summary({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** Runs the action for all names, `lanes` at a time; results are in the order of the names. */
async function inLanes(lanes, names, action) {
  const results = [];
  // Node takes longest, as each file has a process of its own there, and comes last in the names.
  const waiting = names.map((name, at) => [name, at]);
  const lane = async () => {
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      results[next[1]] = await action(next[0]);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      runtime: { type: "string", default: RUNTIMES.join(",") },
      timeout: { type: "string", default: "900" },
      verbose: { type: "boolean", default: false },
    },
  });
  const timeoutMs = Number(values.timeout) * 1000;
  if (!(timeoutMs > 0)) {
    throw new Error(`--timeout must be a number of seconds, not "${values.timeout}"`);
  }
  const all = positionals.length === 0;
  const files = testFiles(all ? ["tests"] : positionals)
    .filter((file) => !all || !file.startsWith("tests/interop/"));
  if (files.length === 0) throw new Error("there is no file named *_test.ts there");

  const names = values.runtime.split(",").filter((name) => name !== "");
  const found = await runtimes(names, console.log);
  const fromJsr = found.deno ? await reachesJsr(found.deno.path) : false;
  console.log(found.deno ? describeStd(fromJsr) : "@std: stand-ins (tools/std)");
  console.log(`${files.length} test files on ${names.join(", ")}`);

  const folder = mkdtempSync(join(tmpdir(), "ntps-suite-"));
  const options = { fromJsr, folder, verbose: values.verbose, timeoutMs };
  const rows = [];
  try {
    const lanes = values.verbose ? 1 : availableParallelism();
    rows.push(...await inLanes(lanes, names, (name) => runOn(found[name], files, options)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }

  console.log(`\n${table(rows)}\n`);
  const problems = rows.flatMap(({ runtime, problems }) =>
    problems.map((problem) => `${runtime.name} ${problem}`)
  );
  if (rows.every((row) => row.cases.length > 0)) {
    problems.push(...differences(rows).map((line) => `not the same on all runtimes: ${line}`));
  }
  for (const problem of problems) console.log(`FAILED: ${problem}`);
  const sum = (status) => rows.reduce((total, row) => total + row[status], 0);
  const failed = sum("failed") + problems.length;
  console.log(`${sum("passed")} passed, ${failed} failed, ${sum("skipped")} skipped`);
  process.exitCode = failed > 0 ? 1 : 0;
}

try {
  await main();
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
}
