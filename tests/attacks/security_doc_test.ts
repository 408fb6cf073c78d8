/** docs/SECURITY.md promises nothing without a test. */

import assert from "node:assert/strict";
import { readRepository } from "../docs/repository.ts";

Deno.test("Every promise in docs/SECURITY.md names tests that exist", async () => {
  const { library: { documents, tests } } = await readRepository();
  const text = documents.get("docs/SECURITY.md") ?? "";
  const [, promises = ""] = text.split("## Promises");
  const quoted = [...promises.matchAll(/“([^”]+)”/g)].map((match) =>
    (match[1] ?? "").replace(/\s+/g, " ")
  );
  assert(quoted.length > 50, `${quoted.length} tests are named`);
  assert.deepEqual(quoted.filter((name) => !tests.has(name)), []);
  for (const promise of promises.split("## Not promised")[0]?.split(/^- /m).slice(1) ?? []) {
    assert.match(promise, /“/, `this promise names no test: ${promise}`);
  }
});
