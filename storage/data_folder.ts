/**
 * The folder with everything that a peer keeps, and the lock that lets one peer have it at a time.
 *
 *     <data>/lock          locked while a peer runs; the number in it is that peer's process
 *     <data>/node.kv       the node's database
 *     <data>/users/*.kv    a database a user
 *     <data>/keys/*.key    sealed keys
 *     <data>/last-user     who logged in last
 *
 * @module
 */

import { join, resolve } from "node:path";
import { CamelliaError } from "../core/model/errors.ts";
import { utf8 } from "../core/model/bytes.ts";
import { onDisk } from "./storage_errors.ts";
import { makePrivateFolder, removeStrayFiles } from "./private_file.ts";

/** A locked data folder. */
export class DataFolder {
  /** Its absolute path. */
  readonly path: string;
  #lock: Deno.FsFile | undefined;

  private constructor(path: string, lock: Deno.FsFile) {
    this.path = path;
    this.#lock = lock;
  }

  /**
   * Creates the folder if need be and locks it. The operating system frees the lock with the process,
   * however that ends, so there is never a stale one.
   *
   * @throws {CamelliaError} `folder_in_use`, `folder_read_only`, `disk_full` or `disk_failed`.
   */
  static async open(path: string): Promise<DataFolder> {
    const folder = resolve(path);
    await makePrivateFolder(folder, { tighten: false });
    const lockPath = join(folder, "lock");
    const task = { doing: `use the folder ${folder}`, path: folder };
    const lock = await onDisk(
      task,
      () => Deno.open(lockPath, { read: true, write: true, create: true, mode: 0o600 }),
    );
    try {
      if (!await onDisk(task, () => lock.tryLock(true))) throw await inUse(folder, lock);
      await onDisk(task, async () => {
        await lock.truncate();
        await lock.write(utf8(`${Deno.pid}\n`));
      });
      await removeStrayFiles(folder);
      await makePrivateFolder(join(folder, "users"), { tighten: true });
    } catch (error) {
      lock.close();
      throw error;
    }
    return new DataFolder(folder, lock);
  }

  /** The path of something in the folder. */
  file(...parts: readonly string[]): string {
    return join(this.path, ...parts);
  }

  /** Lets the next peer have the folder; harmless when called again. */
  release(): void {
    this.#lock?.close();
    this.#lock = undefined;
  }
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
