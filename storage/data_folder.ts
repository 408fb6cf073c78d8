/**
 * The folder with everything that a peer keeps, and the lock that lets one peer have it at a time.
 *
 *     <data>/lock          locked while a peer runs; the number in it is that peer's process
 *     <data>/node.kv       the node's database
 *     <data>/users/*.kv    a database a user
 *     <data>/keys/*.key    sealed keys
 *     <data>/last-user     who logged in last
 *     <data>/lib/          the addon that a compiled program unpacks
 *
 * @module
 */

import { absolutePath, joinPath } from "../lib/paths.ts";
import { CamelliaError } from "../core/model/errors.ts";
import { utf8 } from "../core/model/bytes.ts";
import { onDisk } from "./storage_errors.ts";
import { assertOwnFolder } from "./own_files.ts";
import { createPrivateFile, makePrivateFolder, removeStrayFiles } from "./private_file.ts";

/** A locked data folder. */
export class DataFolder {
  /** Its absolute path. */
  readonly path: string;
  #locks: Disposable | undefined;

  private constructor(path: string, locks: Disposable) {
    this.path = path;
    this.#locks = locks;
  }

  /**
   * Creates the folder if need be and locks it. The operating system frees the lock with the process,
   * however that ends, so there is never a stale one. The folder is locked besides the file `lock`, so that
   * removing that file lets no second peer in.
   *
   * @throws {CamelliaError} `folder_in_use`, `folder_unsafe`, `folder_read_only`, `disk_full` or `disk_failed`.
   */
  static async open(path: string): Promise<DataFolder> {
    const folder = absolutePath(path);
    await makePrivateFolder(folder, { tighten: false });
    await assertOwnFolder(folder);
    const lockPath = joinPath(folder, "lock");
    const task = { doing: `use the folder ${folder}`, path: folder };
    using locks = new DisposableStack();
    const lock = locks.use(
      await onDisk(task, async () => {
        // Made anew it is no link; opened it is the file that was looked at.
        await createPrivateFile(lockPath);
        return await Deno.open(lockPath, { read: true, write: true });
      }),
    );
    const isFree = await onDisk(task, () => lock.tryLock(true));
    if (!isFree || !await lockFolder(folder, locks)) throw await inUse(folder, lock);
    await onDisk(task, async () => {
      await lock.truncate();
      await lock.write(utf8(`${Deno.pid}\n`));
    }).catch((error: unknown) => {
      // A full disk can still be read; the number is for a message only.
      if (!(error instanceof CamelliaError) || error.code !== "disk_full") throw error;
    });
    await removeStrayFiles(folder);
    await makePrivateFolder(joinPath(folder, "users"), { tighten: true });
    return new DataFolder(folder, locks.move());
  }

  /** The path of something in the folder. */
  file(...parts: readonly string[]): string {
    return joinPath(this.path, ...parts);
  }

  /** Lets the next peer have the folder; harmless when called again. */
  release(): void {
    this.#locks?.[Symbol.dispose]();
    this.#locks = undefined;
  }
}

/** Locks the folder itself where the system can; whether no other peer has. */
async function lockFolder(path: string, locks: DisposableStack): Promise<boolean> {
  if (Deno.build.os === "windows") return true;
  const folder = locks.use(await Deno.open(path, { read: true }));
  // Some network file systems lock no folders; the file is locked there.
  return await folder.tryLock(true).catch(() => true);
}

async function inUse(folder: string, lock: Deno.FsFile): Promise<CamelliaError> {
  // The other peer writes its number right after locking; until then, and on Windows, it cannot be read.
  const bytes = new Uint8Array(16);
  const length = await lock.read(bytes).catch(() => null);
  const pid = /^[0-9]{1,10}/.exec(new TextDecoder().decode(bytes.subarray(0, length ?? 0)))?.[0];
  const who = pid === undefined ? "another peer" : `another peer (process ${pid})`;
  return new CamelliaError(
    "folder_in_use",
    `Cannot use the folder ${folder}: ${who} is running on it. ` +
      "Stop that one first, or choose another folder with --data",
  );
}
