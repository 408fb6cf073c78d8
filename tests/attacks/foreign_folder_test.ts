/** Attacks by another user of the same machine, who prepared the data folder or can write to it. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { CamelliaError } from "../../core/model/errors.ts";
import { loadLibraries } from "../../composition.ts";
import { createHost } from "../../main.ts";
import { DataFolder } from "../../storage/data_folder.ts";
import { KeyFiles } from "../../storage/key_files.ts";
import { inFolder } from "../storage/folder.ts";

// Before the tests, as they are to leave nothing behind and libraries stay.
await loadLibraries(".");

const isUnix = Deno.build.os !== "windows";
const isRoot = isUnix && Deno.uid() === 0;

/** Opening is refused in words that name the path and what to do. */
async function assertRefused(open: () => Promise<unknown>, words: RegExp): Promise<void> {
  await assert.rejects(open, (error) => {
    assert(error instanceof CamelliaError, String(error));
    assert.equal(error.code, "folder_unsafe", error.message);
    assert.match(error.message, words);
    return true;
  });
}

Deno.test("Attack: the lock of a data folder is a link, and the file that it leads to keeps its content", () =>
  inFolder(async (parent) => {
    const precious = join(parent, "precious");
    await Deno.writeTextFile(precious, "all that I have\n");
    const data = join(parent, "data");
    await Deno.mkdir(data, { mode: 0o700 });
    for (const target of [precious, join(parent, "absent")]) {
      await Deno.symlink(target, join(data, "lock"));
      await assertRefused(() => DataFolder.open(data), /lock: it is a link/);
      await Deno.remove(join(data, "lock"));
    }
    assert.equal(await Deno.readTextFile(precious), "all that I have\n");
    await assert.rejects(Deno.lstat(join(parent, "absent")), Deno.errors.NotFound);
  }));

Deno.test("Attack: databases, keys and the port file are links, and none of them is opened", () =>
  inFolder(async (parent) => {
    const target = join(parent, "target");
    await Deno.writeTextFile(target, "");
    for (const name of ["node.kv", "peer.json", "last-user", "users/alice.kv", "keys/alice.key"]) {
      const data = join(parent, name.replaceAll("/", "_"));
      for (const folder of ["users", "keys"]) {
        await Deno.mkdir(join(data, folder), { recursive: true, mode: 0o700 });
      }
      await Deno.symlink(target, join(data, name));
      await assertRefused(() => DataFolder.open(data), /it is a link/);
    }
    const data = join(parent, "folders");
    await Deno.mkdir(data, { mode: 0o700 });
    await Deno.symlink(parent, join(data, "keys"));
    await assertRefused(() => KeyFiles.open(data), /keys: it is a link/);
    assert.equal(await Deno.readTextFile(target), "");
  }));

Deno.test(
  "Attack: another user's port file is in a shared folder, and no password or token goes there",
  { ignore: !isUnix },
  () =>
    inFolder(async (data) => {
      // Anybody may write here; the lock is taken, so a command would look for the peer's port.
      const content = JSON.stringify({ port: 1, token: "0".repeat(64) });
      await Deno.writeTextFile(join(data, "peer.json"), content);
      await Deno.chmod(data, 0o777);
      const { openFolder } = await createHost();
      await assertRefused(() => openFolder(data), /chmod go-w/);
      await Deno.chmod(data, 0o755);
      await (await openFolder(data)).close();
    }),
);

Deno.test({
  name: "Attack: a data folder, or a file in it, belongs to another user, and it is not used" +
    (isRoot ? "" : " (ignored: giving files away needs root)"),
  ignore: !isRoot,
  fn: () =>
    inFolder(async (parent) => {
      const data = join(parent, "data");
      await Deno.mkdir(data, { mode: 0o700 });
      await Deno.chown(data, 12_345, 12_345);
      await assertRefused(() => DataFolder.open(data), /belongs to another user \(number 12345/);
      await Deno.chown(data, 0, 0);
      await Deno.writeTextFile(join(data, "peer.json"), "{}");
      await Deno.chown(join(data, "peer.json"), 12_345, 12_345);
      await assertRefused(() => DataFolder.open(data), /peer\.json: it belongs to another user/);
    }),
});

Deno.test(
  "Attack: the lock is removed while a peer runs, and a second peer is refused all the same",
  { ignore: !isUnix },
  () =>
    inFolder(async (data) => {
      const first = await DataFolder.open(data);
      for (let i = 0; i < 2; i++) {
        await Deno.remove(join(data, "lock"));
        await assert.rejects(
          DataFolder.open(data),
          (error) => error instanceof CamelliaError && error.code === "folder_in_use",
        );
      }
      first.release();
      (await DataFolder.open(data)).release();
    }),
);

Deno.test(
  "Attack: a named pipe stands where a file should be, and no command waits on it for ever",
  {
    ignore: !isUnix,
  },
  () =>
    inFolder(async (parent) => {
      for (const name of ["lock", "last-user", "node.kv", "keys/alice.key"]) {
        const data = join(parent, name.replaceAll("/", "_"));
        await Deno.mkdir(join(data, "keys"), { recursive: true, mode: 0o700 });
        const { success } = await new Deno.Command("mkfifo", { args: [join(data, name)] }).output();
        assert(success, "mkfifo");
        await assertRefused(() => DataFolder.open(data), /it is no file/);
      }
    }),
);
