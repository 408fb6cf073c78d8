import assert from "node:assert/strict";
import { groupsOf } from "../../tools/test_groups.ts";
import { walk } from "../walk.ts";

Deno.test("Every test file is in one group, with those of its folder", async () => {
  const files = await Array.fromAsync(walk(["tests"], "_test.ts"));
  const groups = groupsOf(files);
  assert.deepEqual([...groups.values()].flat().sort(), files.sort());
  const folders = groups.get("core_model")?.map((path) =>
    path.slice(0, "tests/core/model/".length)
  );
  assert.deepEqual(new Set(folders), new Set(["tests/core/model/"]));
});

Deno.test("Files far down are in the group of the folder above, and those above all in one", () => {
  const paths = ["tests/net/kademlia/table/a_test.ts", "tests/net/kademlia/b_test.ts"];
  assert.deepEqual(groupsOf(paths), new Map([["net_kademlia", paths]]));
  const above = ["tests/main_test.ts", "tests/storage/c_test.ts"];
  assert.deepEqual([...groupsOf(above).keys()], ["tests", "storage"]);
});

Deno.test("Files that start processes or fill the heap are by themselves", () => {
  const paths = ["tests/e2e/menu_test.ts", "tests/e2e/screen_test.ts", "tests/fuzz/model_test.ts"];
  assert.deepEqual([...groupsOf(paths).keys()], ["e2e_menu", "e2e_screen", "fuzz_model"]);
});
