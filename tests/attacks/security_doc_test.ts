/** docs/SECURITY.md promises nothing without a test. */

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Names of all tests, as far as they stand in the source as plain strings. */
async function testNames(): Promise<Set<string>> {
  const names = new Set<string>();
  const folder = join(root, "tests");
  for (const file of await readdir(folder, { recursive: true })) {
    if (!file.endsWith(".ts")) continue;
    const source = await readFile(join(folder, file), "utf8");
    for (const match of source.matchAll(/Deno\.test\(\s*"((?:[^"\\]|\\.)*)"/g)) {
      names.add(JSON.parse(`"${match[1] ?? ""}"`));
    }
  }
  return names;
}

Deno.test("Every promise in docs/SECURITY.md names tests that exist", async () => {
  const text = await readFile(join(root, "docs", "SECURITY.md"), "utf8");
  const [, promises = ""] = text.split("## Promises");
  const quoted = [...promises.matchAll(/“([^”]+)”/g)].map((match) =>
    (match[1] ?? "").replace(/\s+/g, " ")
  );
  assert(quoted.length > 50, `${quoted.length} tests are named`);
  const names = await testNames();
  assert.deepEqual(quoted.filter((name) => !names.has(name)), []);
  for (const promise of promises.split("## Not promised")[0]?.split(/^- /m).slice(1) ?? []) {
    assert.match(promise, /“/, `this promise names no test: ${promise}`);
  }
});
