import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { withAddonFolder } from "../../storage/addon_folder.ts";
import { inFolder, modeOf } from "./folder.ts";

const isWindows = Deno.build.os === "windows";

Deno.test({
  name: "Attack: a file waits in the shared temporary folder, and the addon is unpacked elsewhere",
  ignore: isWindows,
  fn: () =>
    inFolder(async (folder) => {
      const before = Deno.env.get("TMPDIR");
      const lib = join(folder, "lib");
      const made = await withAddonFolder(folder, async () => {
        // Where the system's own functions, which unpack the addon, have the folder for temporary files.
        const inside = await Deno.makeTempFile();
        assert.equal(dirname(inside), lib);
        return inside;
      });
      assert.equal(await modeOf(lib), "700");
      assert.equal(Deno.env.get("TMPDIR"), before);
      // What is there stays for a start on a full disk; access of others, if there was any, does not.
      await Deno.chmod(lib, 0o777);
      await withAddonFolder(folder, async () => assert.ok((await Deno.stat(made)).isFile));
      assert.equal(await modeOf(lib), "700");
    }),
});

Deno.test({
  name:
    "A link in the place of the addon's folder is refused, and TMPDIR is as before after a failure",
  ignore: isWindows,
  fn: () =>
    inFolder(async (folder) => {
      const before = Deno.env.get("TMPDIR");
      const failing = withAddonFolder(folder, () => Promise.reject(new Error("no addon")));
      await assert.rejects(failing, /no addon/);
      assert.equal(Deno.env.get("TMPDIR"), before);
      await Deno.remove(join(folder, "lib"));
      await Deno.mkdir(join(folder, "elsewhere"));
      await Deno.symlink(join(folder, "elsewhere"), join(folder, "lib"));
      await assert.rejects(withAddonFolder(folder, () => Promise.resolve()), {
        code: "folder_unsafe",
      });
    }),
});
