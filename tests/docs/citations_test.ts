import assert from "node:assert/strict";
import { commentsOf, type Library, problemsOf } from "./citations.ts";
import { readRepository } from "./repository.ts";

const small: Library = {
  paths: new Set(["docs/DESIGN.md", "docs/OTHER.md", "core/model/post.ts", "lib/mutex.ts"]),
  documents: new Map([
    ["docs/DESIGN.md", "# Design\n\n## 1. Words\n\n## 6. Messages\n\n1. One.\n2. Two.\n"],
    ["docs/OTHER.md", "# Other\n\n## 2. Parts\n\n### 2.1 The first: a part\n\nText.\n"],
  ]),
  tests: new Set(["A mutex runs one task at a time"]),
  tasks: new Set(["check"]),
};

function problemsIn(text: string, from = "lib/mutex.ts"): string[] {
  return problemsOf(small, from, text);
}

Deno.test("Citations that resolve are no problem", () => {
  const good = [
    "One frame each (design, section 6).",
    "Fetching (design, section 6, behaviour 2), see sections 1 and 6 of nothing.",
    "The rules of design sections 1 and 6, and of docs/OTHER.md, section 2.1.",
    "Made by post.ts, or core/model/post.ts; all of core/model/*.ts and of core/model/.",
    "RFC 9106, section 4, and https://example.org/none.md.",
    "An example adds `core/model/none.ts` (new) or core/model/NAME.ts.",
    "Run `deno task check`, or `npx -y deno@2.9.6 task check`.",
    "See the test “A mutex runs one task at a time”.",
  ];
  for (const text of good) assert.deepEqual(problemsIn(text), [], text);
  const links = "[a](DESIGN.md), [b](../lib/mutex.ts), [c](#21-the-first-a-part), [d](../core/)";
  assert.deepEqual(problemsIn(links, "docs/OTHER.md"), []);
});

Deno.test("A citation of a section that does not exist is found", () => {
  assert.deepEqual(problemsIn("(design, section 7)"), ["docs/DESIGN.md has no section 7"]);
  assert.deepEqual(problemsIn("(design, sections 1 and 8)"), ["docs/DESIGN.md has no section 8"]);
  assert.deepEqual(problemsIn("the rules of design section 6.1"), [
    "docs/DESIGN.md has no section 6.1",
  ]);
  assert.deepEqual(problemsIn("(design, section 6,\n behaviour 3)"), [
    "section 6 of docs/DESIGN.md has no item 3",
  ]);
  assert.deepEqual(problemsIn("docs/OTHER.md, section 3"), ["docs/OTHER.md has no section 3"]);
  assert.deepEqual(problemsIn("as in section 3", "docs/OTHER.md"), [
    "docs/OTHER.md has no section 3",
  ]);
});

Deno.test("A citation of a file, a folder or a test that does not exist is found", () => {
  assert.deepEqual(problemsIn("see `posts.ts`"), ["there is no file posts.ts"]);
  assert.deepEqual(problemsIn("see core/post.ts"), ["there is no file core/post.ts"]);
  assert.deepEqual(problemsIn("in net/*.ts"), ["there is no file net/*.ts"]);
  assert.deepEqual(problemsIn("docs/NONE.md has it"), ["there is no file docs/NONE.md"]);
  assert.deepEqual(problemsIn("all of core/social/ is"), ["there is no folder core/social/"]);
  assert.deepEqual(problemsIn("the test “A mutex\n forgets”"), [
    "there is no test “A mutex forgets”",
  ]);
  assert.deepEqual(problemsIn("`deno task chek`"), ["there is no task chek"]);
  assert.deepEqual(problemsIn("As it was asked for (issue 5)."), [
    "issue 5 cannot be read here: cite a document",
  ]);
});

Deno.test("A link that leads nowhere is found", () => {
  assert.deepEqual(problemsIn("[x](NONE.md)", "docs/OTHER.md"), [
    "the link to NONE.md leads nowhere",
  ]);
  assert.deepEqual(problemsIn("[x](DESIGN.md#7-none)", "docs/OTHER.md"), [
    "the link to DESIGN.md#7-none has no such heading",
  ]);
  assert.deepEqual(problemsIn("[x](#none)", "docs/OTHER.md"), [
    "the link to #none has no such heading",
  ]);
});

Deno.test("Comments are read as sentences, whatever their lines", () => {
  const source = [
    "/**",
    " * Fetching (design, section 6,",
    " * behaviour 2).",
    " */",
    "const a = 1; // One.",
    "  // Two",
    "  // lines.",
    'const b = "core/none.ts";',
  ].join("\n");
  assert.deepEqual(commentsOf(source), [
    "Fetching (design, section 6, behaviour 2).",
    "One. Two lines.",
  ]);
});

Deno.test("Every citation in comments and documents resolves", async () => {
  const { library, sources } = await readRepository();
  const found: string[] = [];
  let cited = 0;
  for (const [path, source] of sources) {
    for (const comment of commentsOf(source)) {
      if (/\bdesign,? sections? \d/i.test(comment)) cited++;
      for (const problem of problemsOf(library, path, comment)) found.push(`${path}: ${problem}`);
    }
  }
  for (const [path, text] of library.documents) {
    for (const problem of problemsOf(library, path, text)) found.push(`${path}: ${problem}`);
  }
  assert.deepEqual(found, []);
  assert.ok(cited > 30, `only ${cited} comments cite the design`);
});
