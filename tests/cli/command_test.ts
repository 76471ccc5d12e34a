import { test } from "node:test";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { command, optionName } from "../../src/cli/command.ts";
import { commandHelp } from "../../src/cli/help.ts";
import { choice, duration, flag, text, texts, whole } from "../../src/cli/option.ts";
import { UsageError } from "../../src/cli/usage_error.ts";
import { FakeWorld, TextOutput } from "./fake_world.ts";

let seen: unknown;

const probe = command({
  summary: "Does nothing",
  operands: "THING…",
  operandCount: [0, 2],
  details: "\nMore about it.\n",
  options: {
    count: whole({
      letter: "n",
      value: "N",
      least: 1,
      most: 10,
      initial: 3,
      help: "how many",
    }),
    maxDelay: duration({ positive: true, initial: 250, initialText: "250ms", help: "how long" }),
    pause: duration({ letter: "p", positive: false, initial: 0, initialText: "0", help: "wait" }),
    name: text({ value: "NAME", initial: undefined, help: "what to call it" }),
    item: texts({
      letter: "i",
      value: "ITEM",
      help: "one more than before, and as many as one likes, in the order of words",
    }),
    four: flag({ letter: "4", help: "IPv4" }),
    loud: flag({ help: "noise" }),
    colour: choice({
      value: "COLOUR",
      choices: ["red", "blue"],
      initial: "red",
      find: (given) => given === "azure" ? "blue" : undefined,
      help: "red or blue",
    }),
    limit: {
      ...text({ value: "LIMIT", initial: undefined, help: "how far" }),
      bare: "far",
    },
  },
  run(values, operands) {
    seen = { ...values, operands };
    return Promise.resolve(7);
  },
});

async function read(...args: string[]): Promise<Record<string, unknown>> {
  assertEquals(await probe.run(args, new FakeWorld()), 7);
  return seen as Record<string, unknown>;
}

async function refused(...args: string[]): Promise<string> {
  const attempt = async () => await probe.run(args, new FakeWorld());
  return (await assertRejects(attempt, UsageError)).message;
}

test("arguments: defaults", async () => {
  assertEquals(await read(), {
    count: 3,
    maxDelay: 250,
    pause: 0,
    name: undefined,
    item: [],
    four: false,
    loud: false,
    colour: "red",
    limit: undefined,
    operands: [],
  });
});

test("arguments: long, short, with and without =, mixed with operands", async () => {
  const args = ["one", "--count=4", "-4", "--name", "x y", "-i", "a", "--loud", "--item=b", "12"];
  const values = await read(...args);
  assertEquals(values["count"], 4);
  assertEquals(values["name"], "x y");
  assertEquals(values["item"], ["a", "b"]);
  assertEquals([values["four"], values["loud"]], [true, true]);
  assertEquals(values["operands"], ["one", "12"]);
});

test("arguments: behind -- nothing is an option", async () => {
  assertEquals((await read("--", "--count", "-x"))["operands"], ["--count", "-x"]);
});

test("arguments: durations have units", async () => {
  const cases: [given: string, milliseconds: number][] = [
    ["5", 5000],
    ["0.25", 250],
    [".5", 500],
    ["250ms", 250],
    ["1.5s", 1500],
    ["2min", 120_000],
    ["2 min", 120_000],
  ];
  for (const [given, milliseconds] of cases) {
    assertEquals((await read("--max-delay", given))["maxDelay"], milliseconds);
  }
  assertEquals((await read("-p0"))["pause"], 0);
});

test("arguments: what an option refuses is named with its value", async () => {
  for (const given of ["0", "11", "x", "1.5", "1e1", "0x5", "99999999999999999999"]) {
    assertEquals(
      await refused("--count", given),
      `--count is a whole number from 1 to 10, not "${given}"`,
    );
  }
  for (const given of ["0", "1h", "ms", "5 5", "1e3", "25000000"]) {
    assertEquals(
      await refused("--max-delay", given),
      `--max-delay is a time such as 500ms, 5s or 2min, above 0 and up to 24 days, not "${given}"`,
    );
  }
});

test("arguments: values that are missing, too many or of no use", async () => {
  assertEquals(await refused("--count"), "--count needs a value: --count N");
  assertEquals(await refused("--count", "--loud"), "--count needs a value: --count N");
  assertEquals(await refused("-n", "1", "--count", "2"), "--count is given twice");
  assertEquals(await refused("--loud=yes"), "--loud takes no value");
  assertEquals(await refused("a", "b", "c"), '"c" is one argument too many');
});

test("arguments: an option whose value may be left out", async () => {
  for (const args of [["--limit"], ["--limit", "--loud"], ["--limit", "-4", "a"]]) {
    assertEquals((await read(...args))["limit"], "far");
  }
  assertEquals((await read("--limit=near"))["limit"], "near");
  assertEquals((await read("--limit", "near"))["limit"], "near");
  assertEquals(await refused("--limit="), "--limit needs a value: --limit=LIMIT");
  assertEquals(await refused("--limit", "--limit=3"), "--limit is given twice");
});

test("arguments: one of a few words, under all its names", async () => {
  assertEquals((await read("--colour", "azure"))["colour"], "blue");
  assertEquals(await refused("--colour", "green"), '--colour is one of red, blue, not "green"');
});

test("arguments: an unknown option, and which one was probably meant", async () => {
  assertEquals(await refused("--conut", "3"), "there is no option --conut; did you mean --count?");
  assertEquals(await refused("--max=3"), "there is no option --max; did you mean --max-delay?");
  assertEquals(await refused("--frobnicate"), "there is no option --frobnicate; --help lists them");
  assertEquals(await refused("-x"), "there is no option -x; --help lists them");
  assertEquals(await refused("--no-loud"), "there is no option --no-loud; did you mean --loud?");
});

test("arguments: operands that are missing", async () => {
  const needy = command({
    summary: "",
    operands: "HOST…",
    operandCount: [1, 1],
    details: "",
    options: {},
    run: () => Promise.resolve(0),
  });
  const attempt = async () => await needy.run([], new FakeWorld());
  assertEquals((await assertRejects(attempt, UsageError)).message, "HOST… is missing");
});

test("names of options are written with hyphens", () => {
  assertEquals(optionName("maxRootDistance"), "--max-root-distance");
});

test("help follows from the description", () => {
  assertEquals(
    commandHelp("probe", probe, new TextOutput()),
    `Does nothing

Usage: ntps probe [OPTION]… THING…

Options:
  -n, --count N         how many (3)
      --max-delay TIME  how long (250ms)
  -p, --pause TIME      wait (0)
      --name NAME       what to call it
  -i, --item ITEM       one more than before, and as many as one likes, in the
                        order of words
  -4, --four            IPv4
      --loud            noise
      --colour COLOUR   red or blue (red)
      --limit[=LIMIT]   how far
  -h, --help            show this help

More about it.
`,
  );
});

test("help has bold titles on a terminal only", () => {
  const terminal = new TextOutput();
  terminal.styled = true;
  assertStringIncludes(commandHelp("probe", probe, terminal), "\x1b[1mUsage:\x1b[22m ntps probe");
});
