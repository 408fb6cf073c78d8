/**
 * Small files that only their owner can read, written so that a crash leaves the old or the new.
 *
 * @module
 */

import { joinPath, lastName, parentPath } from "../lib/paths.ts";
import { CamelliaError } from "../core/model/errors.ts";
import { assertOwn } from "./own_files.ts";
import { ifThere, onDisk } from "./storage_errors.ts";

/** Access for the owner alone. */
const fileMode = 0o600;
const folderMode = 0o700;

/** What a file that is being written is called, beside the one that it will replace. */
const temporaryName = /^\..+\.[0-9a-f-]{36}\.tmp$/;

/** A private file at most, unless the caller says otherwise: the largest sealed record is 8,000 bytes. */
const privateFileBytesMax = 64 * 1024;

/**
 * Creates a folder, and its parents, readable by the owner alone; one that exists is tightened only
 * if asked to, because a data folder may be one that the user shares on purpose.
 *
 * @throws {CamelliaError} `folder_read_only`, `disk_full` or `disk_failed`.
 */
export async function makePrivateFolder(
  path: string,
  options: { tighten: boolean },
): Promise<void> {
  await onDisk({ doing: `create the folder ${path}`, path }, async () => {
    await Deno.mkdir(path, { recursive: true, mode: folderMode });
    if (!options.tighten || Deno.build.os === "windows") return;
    await assertOwn(path, "folder");
    const { mode } = await Deno.stat(path);
    if (mode !== null && (mode & 0o077) !== 0) await Deno.chmod(path, folderMode);
  });
}

/** Makes a rename or a new file in the folder last; where folders cannot be synced there is nothing to do. */
async function syncFolder(path: string): Promise<void> {
  try {
    using folder = await Deno.open(path, { read: true });
    await folder.sync();
  } catch {
    // Windows cannot open folders; the rename itself is journalled there.
  }
}

/**
 * Writes a file atomically, readable by the owner alone: beside it first, synced, then renamed over it.
 *
 * @throws {CamelliaError} `folder_read_only`, `disk_full` or `disk_failed`.
 */
export async function writePrivateFile(path: string, bytes: Uint8Array): Promise<void> {
  const folder = parentPath(path);
  const temporary = joinPath(folder, `.${lastName(path)}.${crypto.randomUUID()}.tmp`);
  await onDisk({ doing: `write ${path}`, path }, async () => {
    try {
      using file = await Deno.open(temporary, { write: true, createNew: true, mode: fileMode });
      let written = 0;
      while (written < bytes.length) written += await file.write(bytes.subarray(written));
      await file.sync();
      file.close();
      await Deno.rename(temporary, path);
    } catch (error) {
      await Deno.remove(temporary).catch(() => {});
      throw error;
    }
    await syncFolder(folder);
  });
}

/**
 * Reads a small file; undefined when there is none.
 *
 * @throws {CamelliaError} `invalid_file` if it is longer than `bytesMax`, `disk_failed` or `folder_read_only`.
 */
export async function readPrivateFile(
  path: string,
  bytesMax: number = privateFileBytesMax,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  return await onDisk({ doing: `read ${path}`, path }, async () => {
    await assertOwn(path, "file");
    const { size } = await ifThere(Deno.stat(path)) ?? { size: 0 };
    if (size > bytesMax) {
      const why = `it has ${size} bytes, more than the ${bytesMax} that it may have`;
      throw new CamelliaError("invalid_file", `Cannot read ${path}: ${why}`);
    }
    return await ifThere(Deno.readFile(path));
  });
}

/** Removes a file if it is there. */
export async function removePrivateFile(path: string): Promise<void> {
  await onDisk({ doing: `remove ${path}`, path }, async () => {
    await ifThere(Deno.remove(path).then(() => syncFolder(parentPath(path))));
  });
}

/** Creates an empty file for the owner alone, if there is none: what opens it later keeps its mode. */
export async function createPrivateFile(path: string): Promise<void> {
  try {
    using _file = await Deno.open(path, { write: true, createNew: true, mode: fileMode });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

/** Removes what a crash in the middle of {@linkcode writePrivateFile} left in a folder. */
export async function removeStrayFiles(folder: string): Promise<void> {
  await onDisk({ doing: `tidy up ${folder}`, path: folder }, async () => {
    for await (const entry of Deno.readDir(folder)) {
      if (entry.isFile && temporaryName.test(entry.name)) {
        await Deno.remove(joinPath(folder, entry.name));
      }
    }
  });
}
