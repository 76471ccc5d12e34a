// What is done with each command of the README: run here where that can be done without a network, held
// to the files that it names where not. A command that no rule covers is an error.
import { existsSync, readFileSync } from "node:fs";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { systemError } from "../../src/transport/system_error.ts";
import { runNtps } from "./ntps.ts";
import { ROOT, RUNTIME, start } from "./runtime.ts";

type Match = RegExpExecArray;

/** A rule: which commands it covers, and what must hold for them. Throws when it does not. */
interface Rule {
  readonly pattern: RegExp;
  check(match: Match): Promise<unknown> | void;
}

const read = (path: string): string => readFileSync(ROOT + path, "utf8");
const manifest = JSON.parse(read("package.json"));

function assertExists(path: string): void {
  assert(existsSync(ROOT + path), `${path} does not exist`);
}

/** What `npm run` and `deno task` start must be there, and so must what is passed to it. */
function checkScript(script: string | undefined, args = ""): void {
  assert(script, "there is no such script");
  for (const [path] of script.matchAll(/\S+\.(mjs|ts)\b/g)) assertExists(path);
  const words = args.split(" ").filter((word) => word !== "" && word !== "--");
  for (const word of words) if (word.includes("/")) assertExists(word);
}

/** Steps of the CI script, which runs them for real. */
function checkStep(command: string): void {
  assertStringIncludes(read(".ci/run"), `\nstep ${command}`);
}

/** An example that ends by itself is run as the command says, if this is the runtime that it names. */
async function runExample(runtime: string, flags: string, file: string): Promise<void> {
  assertExists(file);
  if (file !== "examples/demo.ts" || runtime !== RUNTIME) return;
  const { code, output } = await start([...flags.split(" ").filter((flag) => flag !== ""), file]);
  assertEquals(code, 0, output);
}

const NAME = "@ntps/ntps";

const RULES: readonly Rule[] = [
  {
    // What npm gives; the version is the one that the suite runs on.
    pattern: /^npx -y deno@(\S+) (run -A --unstable-net) (examples\/\w+\.ts)$/,
    check([, version, flags, file]) {
      const { dependencies } = JSON.parse(read("tools/runtimes/package.json"));
      assertEquals(version, dependencies.deno);
      return runExample("deno", flags!, file!);
    },
  },
  {
    pattern: /^(deno|bun|node) ((?:run )?(?:-[\w-]+ )*)(examples\/\w+\.ts)$/,
    check: ([, runtime, flags, file]) => runExample(runtime!, flags!, file!),
  },
  {
    pattern: /^npm ci$/,
    check() {
      assertExists("package-lock.json");
      checkStep("npm ci");
    },
  },
  {
    pattern: /^npm test$/,
    check() {
      checkScript(manifest.scripts.test);
      checkStep("npm test");
    },
  },
  {
    pattern: /^npm (?:run |(?=test ))([\w:]+)((?: .+)?)$/,
    check: ([, name, args]) => checkScript(manifest.scripts[name!], args),
  },
  {
    pattern: /^deno task ([\w:]+)((?: .+)?)$/,
    check: ([, name, args]) => checkScript(JSON.parse(read("deno.json")).tasks[name!], args),
  },
  {
    pattern: /^bun install --no-save$/,
    check: () => assertExists("package.json"),
  },
  {
    pattern: /^bun (tools\/\w+\.mjs) --runtime bun$/,
    check: ([, file]) => checkScript(file),
  },
  {
    // Installing from a registry: the names are those of the manifests.
    pattern: /^(?:npm install(?: -g)?|bun add(?: -g)?|npx jsr add|bunx jsr add) (\S+)$/,
    check([, name]) {
      assertEquals(name, manifest.name);
    },
  },
  {
    pattern: /^deno add jsr:(\S+)$/,
    check([, name]) {
      assertEquals(name, JSON.parse(read("jsr.json")).name);
    },
  },
  {
    pattern: /^deno install -g -A --unstable-net -n (\w+) jsr:(\S+)\/(\w+)$/,
    check([, command, name, path]) {
      assertEquals(Object.keys(manifest.bin), [command]);
      assertEquals(name, JSON.parse(read("jsr.json")).name);
      assert(`./${path}` in JSON.parse(read("deno.json")).exports, `there is no export ${path}`);
    },
  },
  {
    pattern: /^(?:npx|bunx|deno run -A --unstable-net) (?:jsr:)?(\S+?)(?:\/cli)? (query .+)$/,
    async check([, name, args]) {
      assertEquals(name, NAME);
      assertEquals((await runNtps(args!)).status, 0);
    },
  },
  {
    pattern: /^ntps (listen .+)$/,
    async check([, args]) {
      const { status, stdout, stderr } = await runNtps(args!);
      assertEquals(status, 0, stderr); // where it says what else there is to say
      assertEquals(stdout.split("\n").length, 4, stdout);
    },
  },
  {
    pattern: /^ntps (sync --steer --dry-run .+)$/,
    async check([, args]) {
      const { status, stderr } = await runNtps(args!);
      assertEquals(status, 0, stderr);
      assertMatch(stderr, /^ntps sync: off by .+: would run at .+ ppm\n/);
    },
  },
  {
    // Standard output may go to a file, which only the shell knows of.
    pattern: /^ntps (.+?)( > \S+)?$/,
    async check([, args, redirection]) {
      const { status, stdout, stderr } = await runNtps(args!);
      assertEquals([status, stderr], [0, ""], stdout);
      if (redirection) assert(stdout.length > 100, stdout);
    },
  },
  {
    // Not run, since it changes the machine: the library's own advice must be the same.
    pattern: /^sudo setcap .+\$\(which (deno|bun|node)\).+$/,
    check([command, runtime]) {
      const denied = { name: "PermissionDenied", code: "EACCES" };
      const { message } = systemError(denied, { what: "bind", hostname: "::", port: 123 });
      const advice = /\((sudo setcap .+")\)/.exec(message)?.[1];
      assertEquals(command!.replace(`(which ${runtime})`, `(which ${RUNTIME})`), advice);
    },
  },
];

/** The commands of a block, one a line; those joined by `&&` apart, comments left out. */
export function commandsOf(code: string): string[] {
  return code.replaceAll("\\\n", " ").split(/\n|&&/)
    .map((line) => line.replace(/(^| +)#.*$/, "").replace(/\s+/g, " ").trim())
    .filter((line) => line !== "");
}

/** Holds a command to its rule; throws when it breaks it, or there is none. */
export async function checkCommand(command: string): Promise<void> {
  for (const { pattern, check } of RULES) {
    const match = pattern.exec(command);
    if (match !== null) return void await check(match);
  }
  throw new Error(`tests/readme/commands.ts has no rule for "${command}"`);
}
