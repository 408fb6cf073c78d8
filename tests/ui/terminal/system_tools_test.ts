import assert from "node:assert/strict";
import { join } from "node:path";
import { removeTool, runTool, writeTool } from "../../../ui/terminal/system_tools.ts";

Deno.test("A program's exit code and words are told, and that there is none", async () => {
  const code = 'console.log("out"); console.error("err"); Deno.exit(3)';
  const result = await runTool(Deno.execPath(), ["eval", "--no-config", code]);
  assert.equal(result?.code, 3);
  assert.equal(result?.printed, "out\nerr\n");
  assert.equal(await runTool("no-such-program-anywhere", []), undefined);
});

Deno.test("A file is written with the folders above it, and removed once or twice", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = join(folder, "a", "b", "unit");
    await writeTool(path, new TextEncoder().encode("text"));
    assert.equal(await Deno.readTextFile(path), "text");
    await removeTool(path);
    await removeTool(path);
    await assert.rejects(Deno.stat(path));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
