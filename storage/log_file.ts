/**
 * The log in the data folder: a file that is put aside when it is full, a few of which are kept.
 *
 *     <data>/log/camellia.log      written now
 *     <data>/log/camellia.log.1    the one before, and so on up to 4
 *
 * @module
 */

import { renameSync } from "node:fs";
import { join } from "node:path";
import { utf8 } from "../core/model/bytes.ts";
import { assertOwn, assertOwnFolder } from "./own_files.ts";
import { makePrivateFolder } from "./private_file.ts";
import { onDisk } from "./storage_errors.ts";

/** A full file: some ten thousand lines. */
export const logBytesMax = 1_000_000;

/** The file that is written and those put aside. */
export const logFilesMax = 5;

/** The folder of logs in a data folder, and the file that is written now. */
export const logPlace = { folder: "log", file: "camellia.log" } as const;

/** A log. */
export class LogFile {
  readonly #path: string;
  #file: Deno.FsFile;
  #length: number;

  private constructor(path: string, file: Deno.FsFile, length: number) {
    this.#path = path;
    this.#file = file;
    this.#length = length;
  }

  /**
   * Opens the log of a data folder, which is made if need be, and writes on at its end.
   *
   * @throws {CamelliaError} `folder_unsafe`, `folder_read_only`, `disk_full` or `disk_failed`.
   */
  static async open(dataFolder: string): Promise<LogFile> {
    await makePrivateFolder(dataFolder, { tighten: false });
    await assertOwnFolder(dataFolder);
    const folder = join(dataFolder, logPlace.folder);
    await makePrivateFolder(folder, { tighten: true });
    const path = join(folder, logPlace.file);
    return await onDisk({ doing: `write ${path}`, path }, async () => {
      await assertOwn(path, "file");
      const file = openFile(path);
      return new LogFile(path, file, (await file.stat()).size);
    });
  }

  /** Writes a line. A disk that takes none, such as a full one, must not end a peer. */
  write(line: string): void {
    const bytes = utf8(`${line}\n`);
    try {
      if (this.#length > 0 && this.#length + bytes.length > logBytesMax) this.#putAside();
      this.#length += this.#file.writeSync(bytes);
    } catch {
      // There is no other place to say so: standard error has the line as well.
    }
  }

  /** Closes it. */
  close(): void {
    this.#file.close();
  }

  #putAside(): void {
    // Where this fails, it is tried again after as much more: the older files are moved once, and not at each line.
    this.#length = 0;
    for (let older = logFilesMax - 1; older >= 1; older--) {
      const from = older === 1 ? this.#path : `${this.#path}.${older - 1}`;
      try {
        renameSync(from, `${this.#path}.${older}`);
      } catch {
        // There are not so many yet; or it cannot be renamed, and grows on.
      }
    }
    let file: Deno.FsFile;
    try {
      file = openFile(this.#path);
    } catch {
      return; // The lines go on into the file that is open.
    }
    this.#file.close();
    this.#file = file;
  }
}

function openFile(path: string): Deno.FsFile {
  return Deno.openSync(path, { append: true, create: true, mode: 0o600 });
}
