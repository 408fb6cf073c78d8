import assert from "node:assert/strict";
import * as node from "node:path";
import { absolutePath, joinPath, lastName, parentPath } from "../../lib/paths.ts";

const paths = ["/a/b", "/a", "a", "a/b.txt", "/", "./a", "../a/b", "/a/../b/./c", "a//b", "~x/ü 1"];

Deno.test("Paths are put together and taken apart as node:path does it", () => {
  for (const path of paths) {
    assert.equal(absolutePath(path), node.resolve(path), path);
    assert.equal(parentPath(path), node.dirname(path), path);
    assert.equal(lastName(path), node.basename(path), path);
  }
  for (const [folder, ...names] of [["/a", "b"], ["/", "b"], ["/a/", "b", "c.txt"], ["a", "b"]]) {
    assert.equal(joinPath(folder ?? "", ...names), node.join(folder ?? "", ...names));
  }
});

Deno.test("A relative path is taken from the current folder, and none leads above the root", () => {
  if (Deno.build.os === "windows") return;
  assert.equal(absolutePath("../x", () => "/home/alice"), "/home/x");
  assert.equal(absolutePath("../../../x", () => "/home"), "/x");
  assert.equal(absolutePath("/.."), "/");
});
