import assert from "node:assert/strict";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { logBytesMax, LogFile, logFilesMax } from "../../storage/log_file.ts";

Deno.test("A full log is put aside, and the oldest of five goes", async () => {
  const data = await Deno.makeTempDir();
  try {
    const folder = join(data, "log");
    const line = "x".repeat(logBytesMax / 2 - 1);
    const first = await LogFile.open(data);
    // Two lines fill a file.
    for (let number = 0; number < 2 * logFilesMax + 3; number++) {
      first.write(`${number}${line}`.slice(0, line.length));
    }
    first.close();
    const names = (await readdir(folder)).sort();
    assert.deepEqual(names, ["camellia.log", ...[1, 2, 3, 4].map((n) => `camellia.log.${n}`)]);
    const begins = await Promise.all(
      names.map(async (name) => (await Deno.readTextFile(join(folder, name))).slice(0, 2)),
    );
    assert.deepEqual(begins, ["12", "10", "8x", "6x", "4x"]);
    for (const name of names) assert.ok((await stat(join(folder, name))).size <= logBytesMax);
    const again = await LogFile.open(data);
    again.write("later");
    again.close();
    assert.match(await Deno.readTextFile(join(folder, "camellia.log")), /^12x+\nlater\n$/);
    if (Deno.build.os !== "windows") {
      assert.equal((await stat(folder)).mode & 0o777, 0o700);
      assert.equal((await stat(join(folder, "camellia.log"))).mode & 0o777, 0o600);
    }
  } finally {
    await Deno.remove(data, { recursive: true });
  }
});

Deno.test({
  name: "A log that is a link is not written through, and a full disk ends nothing",
  ignore: Deno.build.os === "windows",
  async fn() {
    const data = await Deno.makeTempDir();
    try {
      await Deno.mkdir(join(data, "log"));
      const path = join(data, "log", "camellia.log");
      await Deno.symlink(join(data, "victim"), path);
      await assert.rejects(LogFile.open(data), { code: "folder_unsafe" });
      await Deno.remove(path);
      const log = await LogFile.open(data);
      log.close();
      log.write("to a file that is closed");
    } finally {
      await Deno.remove(data, { recursive: true });
    }
  },
});

Deno.test("A log whose next file cannot be made goes on in the one that is open", async () => {
  if (Deno.build.os === "windows") return;
  const data = await Deno.makeTempDir();
  try {
    const log = await LogFile.open(data);
    log.write("x".repeat(1_000_000));
    await Deno.rename(join(data, "log"), join(data, "moved"));
    for (const words of ["not", "lost"]) log.write(words);
    log.close();
    assert.match(await Deno.readTextFile(join(data, "moved", "camellia.log")), /x\nnot\nlost\n$/);
  } finally {
    await Deno.remove(data, { recursive: true });
  }
});
