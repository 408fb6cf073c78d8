import assert from "node:assert/strict";
import { helpOf } from "../../../ui/shell/help.ts";
import { parse } from "../../../ui/shell/parser.ts";
import {
  argument,
  type CommandEntry,
  flag,
  named,
  rest,
  WrongValue,
} from "../../../ui/shell/table.ts";

function small(text: string): number {
  if (/^[0-9]$/.test(text)) return Number(text);
  throw new WrongValue(`${text} is not a digit.`);
}

function entry(name: string, more: Partial<CommandEntry<string>> = {}): CommandEntry<string> {
  const described = { name, description: `does ${name}`, flags: [], arguments: [], commands: [] };
  return { ...described, run: name, ...more };
}

const program = entry("camellia", {
  flags: [
    { ...flag("-V, --version", "the version"), shows: "version" },
    ...named({
      verbose: flag("-v, --verbose", "tell more"),
      port: flag("-p, --port <n>", "a port", small),
      node: flag("--node <n>", "gathered", (text, all: readonly string[] = []) => [...all, text]),
      level: flag("--level <level>", "how much", ["low", "high"]),
    }),
    { ...flag("-h, --help", "this"), shows: "help" },
  ],
  commands: [
    entry("post", {
      arguments: named({ text: argument("<text>", "the text"), more: argument("[more]") }),
      flags: named({
        limit: flag("--limit <n>", "so many", small),
        port: flag("--port <n>", "own"),
      }),
      after: "Below.",
    }),
    entry("devices", {
      commands: [entry("remove", { arguments: named({ n: argument("<n>", "", small) }) })],
    }),
    { name: "account", description: "", flags: [], arguments: [], commands: [entry("export")] },
    entry("sum", {
      arguments: named({ first: argument("<a>"), all: rest("<n...>", "", small) }),
      mistakeIn: ({ all }) => (all as number[]).length > 2 ? "no more than two" : undefined,
    }),
    entry("help"),
  ],
  hidden: [entry("__x")],
});

async function asked(line: string) {
  const parsed = await parse(program, line === "" ? [] : line.split(" "));
  if (parsed.asks === "command") return [parsed.command.run, parsed.given, parsed.flags];
  if (parsed.asks === "help") return `help ${parsed.path.map(({ name }) => name).join(" ")}`;
  return parsed.asks === "version" ? "version" : parsed.mistake;
}

Deno.test("Words choose the command, and flags stand wherever they like", async () => {
  const cases: readonly (readonly [line: string, expected: unknown])[] = [
    ["", ["camellia", {}, {}]],
    ["post a", ["post", { text: "a" }, {}]],
    ["post a b", ["post", { text: "a", more: "b" }, {}]],
    ["post post", ["post", { text: "post" }, {}]],
    ["post -", ["post", { text: "-" }, {}]],
    ["post -- -5", ["post", { text: "-5" }, {}]],
    ["post -- -- -v", ["post", { text: "--", more: "-v" }, {}]],
    ["-v post a --limit 3", ["post", { text: "a", limit: 3 }, { verbose: true }]],
    ["post --limit=3 a -v", ["post", { text: "a", limit: 3 }, { verbose: true }]],
    ["post a --limit 3 --limit 4", ["post", { text: "a", limit: 4 }, {}]],
    ["-vp5 __x", ["__x", {}, { verbose: true, port: 5 }]],
    ["-p 5 -v", ["camellia", {}, { verbose: true, port: 5 }]],
    ["post a --port x", ["post", { text: "a", port: "x" }, {}]],
    ["--node a --node=b=c", ["camellia", {}, { node: ["a", "b=c"] }]],
    ["--node --node", ["camellia", {}, { node: ["--node"] }]],
    ["--level high", ["camellia", {}, { level: "high" }]],
    ["sum a 1 2", ["sum", { first: "a", all: [1, 2] }, {}]],
    ["devices", ["devices", {}, {}]],
    ["devices remove 7", ["remove", { n: 7 }, {}]],
    ["account export", ["export", {}, {}]],
  ];
  for (const [line, expected] of cases) assert.deepEqual(await asked(line), expected, line);
});

Deno.test("Help is shown wherever it is asked for, whatever else is wrong", async () => {
  const cases: readonly (readonly [line: string, expected: string])[] = [
    ["--help", "help camellia"],
    ["help", "help camellia"],
    ["post -h", "help camellia post"],
    ["-h post", "help camellia post"],
    ["help account export", "help camellia account export"],
    ["account help export", "help camellia account export"],
    ["account help", "help camellia account"],
    ["post --limt 3 --limit x --help", "help camellia post"],
    ["post a -V", "version"],
    ["help psot", '"psot" is no command. Did you mean post? "camellia help" lists them.'],
    [
      "account help exprot",
      '"exprot" is no command. Did you mean export? "camellia help" lists them.',
    ],
  ];
  for (const [line, expected] of cases) assert.equal(await asked(line), expected, line);
});

Deno.test("The first mistake is told, with what may have been meant", async () => {
  const cases: readonly (readonly [line: string, expected: string])[] = [
    ["psot", '"psot" is no command. Did you mean post? "camellia help" lists them.'],
    ["zebra --limt", '"zebra" is no command. "camellia help" lists them.'],
    ["account", 'A command is missing after "account": export. Add --help for more.'],
    ["account exprot", "unknown command 'exprot' (Did you mean export?)"],
    ["devices remoev", "unknown command 'remoev' (Did you mean remove?)"],
    ["post a --limt 3", "unknown option '--limt' (Did you mean --limit?)"],
    ["post a -x", "unknown option '-x'"],
    ["post -5", "unknown option '-5'"],
    ["--limit 3 post a", "unknown option '--limit'"],
    ["--verbose=x", "option '--verbose' takes no value"],
    ["--port", "option '-p, --port <n>' needs a value"],
    ["-p", "option '-p, --port <n>' needs a value"],
    ["-p x", "option '-p, --port <n>': x is not a digit."],
    ["--level mid", `option '--level <level>': "mid" is not one of low, high.`],
    ["devices remove x", "argument 'n': x is not a digit."],
    ["sum a", "missing required argument 'n': camellia sum <a> <n...>"],
    ["sum a 1 x", "argument 'n': x is not a digit."],
    ["sum a 1 2 3", "no more than two"],
    ["post", "missing required argument 'text': camellia post <text> [more]"],
    ["post a b c", "too many arguments for 'post': it takes 2, and these are 3"],
    ["account export a", "too many arguments for 'export': it takes none, and these are 1"],
  ];
  for (const [line, expected] of cases) assert.equal(await asked(line), expected, line);
});

Deno.test("A reader that fails by a mistake of its own is not taken for wrong usage", async () => {
  const broken = entry("camellia", {
    flags: named({
      x: flag("-x <n>", "", () => {
        throw new RangeError("broken");
      }),
    }),
  });
  await assert.rejects(parse(broken, ["-x", "1"]), RangeError);
});

Deno.test("The help lists arguments, flags and commands, and fits the columns", () => {
  const [post] = program.commands;
  assert.ok(post);
  assert.equal(
    helpOf([program, post], { columns: 80, commandAfter: "\nBesides." }),
    `Usage: camellia post [flags] <text> [more]

does post

Arguments:
  text         the text

Flags:
  --limit <n>  so many
  --port <n>   own
  -h, --help   this
Below.

Besides.
`,
  );
  const help = helpOf([program], { columns: 80, commandAfter: "\nBesides." });
  assert.match(help, /^Usage: camellia \[flags\] \[command\]\n/);
  assert.match(help, /^ {2}account \[command\]$/m);
  assert.match(help, /^ {2}post \[flags\] <text> \[more\] {2}does post$/m);
  assert.doesNotMatch(help, /Besides|__x/);
  const long = entry("camellia", { flags: named({ a: flag("--a", "word ".repeat(30).trim()) }) });
  const lines = helpOf([long], { columns: 60, commandAfter: "" }).split("\n");
  assert.ok(lines.length > 6 && lines.every((line) => line.length <= 60), lines.join("\n"));
  assert.equal(helpOf([long], { columns: 30, commandAfter: "" }).match(/word/g)?.length, 30);
});
