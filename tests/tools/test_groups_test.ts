import assert from "node:assert/strict";
import { groupsOf } from "../../tools/test_groups.ts";
import { walk } from "../walk.ts";

Deno.test("Every test file is in one group, with those of its folder", async () => {
  const files = await Array.fromAsync(walk(["tests"], "_test.ts"));
  const groups = groupsOf(files);
  assert.deepEqual([...groups.values()].flat().sort(), files.sort());
  const folders = groups.get("core")?.map((path) => path.slice(0, "tests/core/".length));
  assert.deepEqual(new Set(folders), new Set(["tests/core/"]));
});

Deno.test("Files far down are in the group of the folder above, and those above all in one", () => {
  const paths = ["tests/net/kademlia/table/a_test.ts", "tests/net/kademlia/b_test.ts"];
  assert.deepEqual(groupsOf(paths), new Map([["net", paths]]));
  const above = ["tests/main_test.ts", "tests/lib/c_test.ts"];
  assert.deepEqual([...groupsOf(above).keys()], ["tests", "lib"]);
});

Deno.test("Files that start processes or fill the heap are by themselves", () => {
  const paths = ["tests/e2e/menu_test.ts", "tests/e2e/noexec_test.ts", "tests/fuzz/config_test.ts"];
  assert.deepEqual([...groupsOf(paths).keys()], ["e2e_menu", "e2e_noexec", "fuzz_config"]);
});

Deno.test("The groups that take longest begin first", async () => {
  const [first] = groupsOf(["tests/docs/a_test.ts", "tests/storage/b_test.ts"]).keys();
  assert.equal(first, "storage");
  const groups = [...groupsOf(await Array.fromAsync(walk(["tests"], "_test.ts"))).keys()];
  assert.deepEqual(groups.slice(0, 3), ["storage", "core", "e2e_everything"]);
});
