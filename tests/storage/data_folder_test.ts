import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CamelliaError } from "../../core/model/errors.ts";
import { DataFolder } from "../../storage/data_folder.ts";
import {
  readPrivateFile,
  removePrivateFile,
  writePrivateFile,
} from "../../storage/private_file.ts";
import { inFolder, modeOf } from "./folder.ts";

Deno.test("Data folder is created for its owner alone", async () => {
  await inFolder(async (parent) => {
    const folder = await DataFolder.open(join(parent, "a", "b"));
    assert.equal(folder.path, join(parent, "a", "b"));
    assert.equal(await modeOf(folder.path), "700");
    assert.equal(await modeOf(folder.file("users")), "700");
    assert.equal(await modeOf(folder.file("lock")), "600");
    folder.release();
  });
});

Deno.test("Data folder is refused to a second peer until the first releases it", async () => {
  await inFolder(async (path) => {
    const first = await DataFolder.open(path);
    await assert.rejects(DataFolder.open(path), (error) => {
      assert(error instanceof CamelliaError);
      assert.equal(error.code, "folder_in_use");
      assert(error.message.includes(path) && error.message.includes(String(Deno.pid)));
      return true;
    });
    first.release();
    first.release();
    const second = await DataFolder.open(path);
    second.release();
  });
});

Deno.test("Data folder held by another process is refused, and free once that is killed", async () => {
  await inFolder(async (path) => {
    const module = new URL("../../storage/data_folder.ts", import.meta.url).href;
    const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
    const code = `const { DataFolder } = await import(${JSON.stringify(module)});` +
      `await DataFolder.open(${JSON.stringify(path)}); console.log("held");` +
      `await new Promise((resolve) => setTimeout(resolve, 60_000));`;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--config", config, code],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const reader = child.stdout.getReader();
    try {
      assert.equal(new TextDecoder().decode((await reader.read()).value), "held\n");
      await assert.rejects(DataFolder.open(path), (error) => {
        assert(error instanceof CamelliaError && error.code === "folder_in_use");
        assert(error.message.includes(`process ${child.pid}`), error.message);
        return true;
      });
    } finally {
      child.kill("SIGKILL");
      await child.status;
      await reader.cancel();
    }
    const folder = await DataFolder.open(path);
    folder.release();
  });
});

/** Runs a test while one call on open files does something else. */
async function withFileCall<K extends "tryLock" | "truncate" | "write">(
  name: K,
  replacement: (
    this: Deno.FsFile,
    ...args: Parameters<Deno.FsFile[K]>
  ) => ReturnType<Deno.FsFile[K]>,
  run: () => Promise<void>,
): Promise<void> {
  const original = Deno.FsFile.prototype[name];
  Object.assign(Deno.FsFile.prototype, { [name]: replacement });
  try {
    await run();
  } finally {
    Object.assign(Deno.FsFile.prototype, { [name]: original });
  }
}

Deno.test("Data folder on a file system that locks no folders is kept by the lock of its file", async () => {
  await inFolder(async (path) => {
    const { tryLock } = Deno.FsFile.prototype;
    await withFileCall("tryLock", async function (isExclusive) {
      if ((await this.stat()).isDirectory) throw new Error("No locks available (os error 37)");
      return await tryLock.call(this, isExclusive);
    }, async () => {
      const folder = await DataFolder.open(path);
      await assert.rejects(DataFolder.open(path), { code: "folder_in_use" });
      folder.release();
      (await DataFolder.open(path)).release();
    });
  });
});

Deno.test("Data folder whose lock cannot be written is refused and left free, unless its disk is full", async () => {
  await inFolder(async (path) => {
    for (const call of ["truncate", "write"] as const) {
      const failing = (message: string, run: () => Promise<void>) =>
        withFileCall(call, () => Promise.reject<never>(new Error(message)), run);
      await failing("Input/output error (os error 5)", async () => {
        await assert.rejects(DataFolder.open(path), { code: "disk_failed" });
      });
      await failing("No space left on device (os error 28)", async () => {
        (await DataFolder.open(path)).release();
      });
    }
    (await DataFolder.open(path)).release();
  });
});

Deno.test("Data folder below a file is an error with a code", async () => {
  await inFolder(async (parent) => {
    const file = join(parent, "file");
    await Deno.writeTextFile(file, "");
    await assert.rejects(DataFolder.open(join(file, "data")), { code: "disk_failed" });
  });
});

Deno.test("Private files are replaced as a whole and have the owner's mode", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "token");
    assert.equal(await readPrivateFile(path), undefined);
    await Deno.writeTextFile(path, "readable by all", { mode: 0o644 });
    await writePrivateFile(path, new Uint8Array([1, 2, 3]));
    assert.deepEqual(await readPrivateFile(path), new Uint8Array([1, 2, 3]));
    assert.equal(await modeOf(path), "600");
    assert.deepEqual((await Array.fromAsync(Deno.readDir(folder))).map((e) => e.name), ["token"]);
    assert.equal((await readPrivateFile(path, 3))?.length, 3);
    await assert.rejects(readPrivateFile(path, 2), {
      code: "invalid_file",
      message: /it has 3 bytes, more than the 2/,
    });
    await writePrivateFile(path, new Uint8Array(64 * 1024));
    assert.equal((await readPrivateFile(path))?.length, 64 * 1024);
    await writePrivateFile(path, new Uint8Array(64 * 1024 + 1));
    await assert.rejects(readPrivateFile(path), { code: "invalid_file" });
    await removePrivateFile(path);
    await removePrivateFile(path);
    assert.equal(await readPrivateFile(path), undefined);
  });
});

Deno.test("Private files that cannot be written leave nothing behind", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "token");
    // A folder that is not empty cannot be replaced by a file.
    await Deno.mkdir(join(path, "inside"), { recursive: true });
    await assert.rejects(writePrivateFile(path, new Uint8Array(1)), CamelliaError);
    assert.deepEqual((await Array.fromAsync(Deno.readDir(folder))).map((e) => e.name), ["token"]);
  });
});
