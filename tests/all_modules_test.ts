import assert from "node:assert/strict";
import { walk } from "./walk.ts";

// Files that nothing imports would be missing from the coverage report; here each one is loaded.
Deno.test("Every module of the program loads by itself", async () => {
  let modules = 0;
  for await (const path of walk(["lib", "core", "net", "storage", "ui"], ".ts")) {
    // A Worker waits for its work.
    if (path.endsWith("_worker.ts")) continue;
    assert.ok(await import(new URL(`../${path}`, import.meta.url).href), path);
    modules++;
  }
  assert.ok(modules > 20, `only ${modules} modules were found`);
});
