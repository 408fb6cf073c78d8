import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { folderFacts } from "../../storage/folder_facts.ts";

Deno.test("A folder's facts are told, and the folder is left as it was", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.chmod(folder, 0o750);
    const facts = await folderFacts(folder);
    assert.ok((facts.freeBytes ?? 0) > 0);
    const { freeBytes: _, ...rest } = facts;
    const isPosix = Deno.build.os !== "windows";
    assert.deepEqual(rest, {
      kind: "folder",
      isOwn: isPosix ? true : undefined,
      mode: isPosix ? 0o750 : undefined,
      unwritable: undefined,
    });
    assert.deepEqual(await readdir(folder), []);
    const missing = await folderFacts(join(folder, "a", "b"));
    assert.equal(missing.kind, "absent");
    assert.ok((missing.freeBytes ?? 0) > 0, "the disk that it will be on");
    assert.deepEqual(await readdir(folder), []);
    await Deno.writeTextFile(join(folder, "file"), "");
    assert.equal((await folderFacts(join(folder, "file"))).kind, "other");
    assert.equal((await folderFacts(join(folder, "file", "below"))).kind, "other");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test({
  name: "A folder that another user owns, or that takes no file, is told",
  ignore: Deno.build.os === "windows",
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      // Root may write anywhere, and alone may give a folder away.
      if (Deno.uid() === 0) {
        await Deno.chown(folder, 1, null);
        assert.equal((await folderFacts(folder)).isOwn, false);
      } else {
        await Deno.chmod(folder, 0o500);
        assert.match((await folderFacts(folder)).unwritable ?? "", /./);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
