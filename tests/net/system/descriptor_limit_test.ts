import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { descriptorLimit } from "../../../net/system/descriptor_limit.ts";

const config = fileURLToPath(new URL("../../../deno.json", import.meta.url));
const module = new URL("../../../net/system/descriptor_limit.ts", import.meta.url).href;

Deno.test({
  name: "The limit of descriptors is the one that the process was started with",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    assert.ok(descriptorLimit() >= 256);
    const script = `import { descriptorLimit } from "${module}"; console.log(descriptorLimit());`;
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${folder}/main.ts`, script);
      const deno = [Deno.execPath(), "run", "-q", "--allow-ffi", "-c", config, `${folder}/main.ts`];
      const { stdout } = await new Deno.Command("sh", {
        args: ["-c", `ulimit -n 317; exec "$@"`, "sh", ...deno],
        stderr: "inherit",
      }).output();
      assert.equal(new TextDecoder().decode(stdout).trim(), "317");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
