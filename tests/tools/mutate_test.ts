import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import plugin, { type Edit } from "../../tools/mutate/mutants.ts";
import { drawSample, importersOf, testsOf } from "../../tools/mutate/selection.ts";
import { SeededRandom } from "../sim/random.ts";

/** Every mutant of a source, as the whole changed source. */
function mutantsOf(source: string): string[] {
  return Deno.lint.runPlugin(plugin, "file.ts", source).map(({ message }) => {
    const { start, end, text }: Edit = JSON.parse(message);
    return source.slice(0, start) + text + source.slice(end);
  }).sort();
}

Deno.test("Mutants imitate each kind of mistake", () => {
  const expected: Readonly<Record<string, readonly string[]>> = {
    "f(a < b);": [";", "f(a <= b);"],
    "const x = a >= b;": ["const x = a > b;"],
    "const x = a === b;": ["const x = a !== b;"],
    "const x = a + b;": ["const x = a - b;"],
    "x += y;": ["x -= y;"],
    "while (a) x = y;": ["while (!(a)) x = y;"],
    "while (true) x = y;": ["while (false) x = y;"],
    "if (!a) x = y;": ["if (a) x = y;"],
    "if (a === b) x = y;": ["if (!(a === b)) x = y;"],
    "const x = a ? b : c;": ["const x = !(a) ? b : c;"],
    "const x = a && (b || c);": [
      "const x = (b || c);",
      "const x = a && (b);",
      "const x = a && (c);",
      "const x = a;",
    ],
    "const x = a ?? b;": ["const x = b;"],
    "const x = true;": ["const x = false;"],
    "const x = a[7];": ["const x = a[6];", "const x = a[8];"],
    "const x = a[0];": ["const x = a[1];"],
    "const x = a.length < b;": ["const x = (a.length - 1) < b;", "const x = a.length <= b;"],
    "const x = await a;": ["const x = a;"],
    "await f(a);": [";", "f(a);"],
    "async () => { try { return await a; } finally { f(); } };": [
      "async () => { try { return a; } finally { f(); } };",
      "async () => { try { return await a; } finally { ; } };",
    ],
    "async () => { await using a = b; return await c; };": [
      "async () => { await using a = b; return c; };",
    ],
    "a?.delete(b);": [";"],
    "const x = Math.min(a, b);": ["const x = Math.max(a, b);"],
    "const x = f(a, signal);": ["const x = f(a);"],
    "const x = a.slice(b);": ["const x = a.slice();"],
    "for (const x of y) if (a) continue;": [
      "for (const x of y) if (!(a)) continue;",
      "for (const x of y) if (a) ;",
    ],
    "function f() { if (a) { b = c; return; } throw d; }": [
      "function f() { if (!(a)) { b = c; return; } throw d; }",
      "function f() { if (a) { b = c; ; } throw d; }",
    ],
  };
  for (const [source, mutants] of Object.entries(expected)) {
    assert.deepEqual(mutantsOf(source), [...mutants].sort(), source);
  }
});

Deno.test("Mutants leave alone what no test has to notice", () => {
  const sources = [
    "// if (a < b) return 1;",
    "type X = 1 | true;",
    "const x = `${a}` + b;",
    'const x = a + ", " + b;',
    "const waitMs = 5;",
    "const triedMax = 4;",
    "function f(waitMs = 5, size: number = 3) {}",
    "const x = { burst: 20 };",
    "const x = 0x1f;",
    "const x = 65_536;",
    "async () => await a;",
    "class X { async f() { return await b; } }",
    "assert(a);",
    "this.#log.warn(a);",
    "const x = { 1: a };",
  ];
  for (const source of sources) assert.deepEqual(mutantsOf(source), [], source);
});

Deno.test("Mutants stand where they are said to, also after letters of several bytes", () => {
  assert.deepEqual(mutantsOf('const x = "ü😀"; const y = a < b;'), [
    'const x = "ü😀"; const y = a <= b;',
  ]);
});

/** A small repository by path. */
const repository = new Map(Object.entries({
  "core/follow/key.ts": "",
  "core/follow/follow.ts": 'import { key } from "./key.ts";',
  "core/peer.ts": 'export * from "./follow/follow.ts";',
  "core/types.ts": 'import type { Key } from "./follow/key.ts";\nexport type X = 1;',
  "main.ts": 'import { Peer } from "./core/peer.ts";',
  "tests/core/follow/follow_test.ts": 'import { follow } from "../../../core/follow/follow.ts";',
  "tests/core/follow/key_test.ts": 'import { key } from "../../../core/follow/key.ts";',
  "tests/core/peer_test.ts": 'await import("../world.ts");',
  "tests/core/types_test.ts": 'import { X } from "../../core/types.ts";',
  "tests/e2e/program_test.ts": 'const path = join(root, "main.ts");',
  "tests/main_test.ts": 'new URL("../main.ts", import.meta.url);',
  "tests/world.ts": 'import { Peer } from "../core/peer.ts";',
}));

Deno.test("Test selection finds the tests that reach a file, the nearest first", () => {
  assert.deepEqual(testsOf("core/follow/key.ts", importersOf(repository)), [
    "tests/core/follow/key_test.ts",
    "tests/core/follow/follow_test.ts",
    "tests/core/peer_test.ts",
    "tests/main_test.ts",
    "tests/e2e/program_test.ts",
  ]);
});

Deno.test("Sample of a seed is always the same, and spread over all mutants", () => {
  const items = Array.from({ length: 1000 }, (_, i) => i);
  const sample = drawSample(items, 40, new SeededRandom(7));
  assert.deepEqual(drawSample(items, 40, new SeededRandom(7)), sample);
  assert.notDeepEqual(drawSample(items, 40, new SeededRandom(8)), sample);
  assert.deepEqual(sample.map((item) => Math.floor(item / 25)), items.slice(0, 40));
  const few = items.slice(0, 49);
  assert.deepEqual(drawSample(few, 5000, new SeededRandom(7)), few);
  assert.deepEqual(drawSample([], 40, new SeededRandom(7)), []);
});

Deno.test("Asked for help, mutate prints its usage and nothing else", async () => {
  const script = fileURLToPath(new URL("../../tools/mutate.ts", import.meta.url));
  const args = ["run", "-q", "--no-check", "-A", script, "--help"];
  const { code, stdout } = await new Deno.Command(Deno.execPath(), { args }).output();
  const text = new TextDecoder().decode(stdout);
  assert.match(text, /^Usage: deno task mutate \[options\]\n( {2}--.*\n)+$/);
  assert.equal(code, 0);
});
