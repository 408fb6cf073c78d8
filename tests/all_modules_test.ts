import assert from "node:assert/strict";
import { workerFiles } from "../tools/compile.ts";
import { walk } from "./walk.ts";

// Files that nothing imports would be missing from the coverage report; here each one is loaded.
Deno.test("Every module of the program loads by itself", async () => {
  const workers = await workerFiles();
  let modules = 0;
  for await (const path of walk(["lib", "core", "net", "storage", "ui"], ".ts")) {
    if (workers.includes(path)) continue;
    assert.ok(await import(new URL(`../${path}`, import.meta.url).href), path);
    modules++;
  }
  assert.ok(modules > 20, `only ${modules} modules were found`);
});
