/**
 * The one place where errors of disk and database become errors with a code.
 *
 * Deno KV throws plain `Error` and `TypeError` with SQLite's words, so the words are what tells them
 * apart. Nothing is retried: each of these errors needs a person.
 *
 * @module
 */

import { CamelliaError, type ErrorCode } from "../core/model/errors.ts";
import { DecodeError } from "../lib/msgpack.ts";

/** What was being done, and to which file, for the message. */
export interface DiskTask {
  /** A verb and its object, such as `store the post`. */
  readonly doing: string;
  /** The file or folder. */
  readonly path: string;
}

interface Rule {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  /** What is wrong and what to do about it. */
  readonly advice: (path: string) => string;
}

/** Matched against `name message` in this order; SQLite's result codes and errno, as Deno words them. */
const rules: readonly Rule[] = [
  {
    pattern: /disk is full|ENOSPC|no space left|EDQUOT|quota exceeded/i,
    code: "disk_full",
    advice: (path) => `the disk that holds ${path} is full. Free some space and try again`,
  },
  {
    pattern:
      /malformed|not a database|deserializ|DecodeError|unsupported file format|value encoding/i,
    code: "database_damaged",
    advice: (path) =>
      `the database ${path} is damaged. Move it and the files beside it that begin with its name ` +
      "out of the way, then start again: what other peers still have is fetched from them",
  },
  {
    pattern:
      /read-?only|EROFS|EACCES|EPERM|PermissionDenied|NotCapable|unable to open database file/i,
    code: "folder_read_only",
    advice: (path) =>
      `${path} cannot be written. Make its folder writable for this user, or choose another with --data`,
  },
  {
    pattern: /AlreadyExists|File exists|EEXIST|NotADirectory|Not a directory|ENOTDIR/i,
    code: "disk_failed",
    advice: (path) =>
      `a file stands where ${path} needs a folder. Choose another folder with --data`,
  },
  {
    pattern: /database (table )?is locked|EAGAIN|WouldBlock/i,
    code: "folder_in_use",
    advice: (path) => `${path} is in use by another program. Stop that one first`,
  },
  {
    pattern: /^(BadResource|Interrupted)|database is closed/,
    code: "interrupted",
    advice: (path) => `${path} has been closed`,
  },
];

/** An error from disk or database, as what the caller is to see. Programming errors pass unchanged. */
export function storageError(error: unknown, task: DiskTask): Error {
  if (error instanceof CamelliaError) return error;
  if (!(error instanceof Error)) return new Error(`Cannot ${task.doing}`, { cause: error });
  const errno = (error as Error & { code?: unknown }).code ?? "";
  const text = `${error.name} ${error.message} ${String(errno)}`;
  const rule = rules.find(({ pattern }) => pattern.test(text));
  if (rule !== undefined) {
    // Where Deno itself refuses, as for places under /proc, it advises what no user of this program can do.
    const details = error.name === "NotCapable" ? "" : ` (${error.message})`;
    const message = `Cannot ${task.doing}: ${rule.advice(task.path)}.${details}`;
    return new CamelliaError(rule.code, message, { cause: error });
  }
  const isOurs = error instanceof TypeError || error instanceof RangeError;
  if (isOurs && !(error instanceof DecodeError)) return error;
  const message = `Cannot ${task.doing}: ${task.path} failed. (${error.message})`;
  return new CamelliaError("disk_failed", message, { cause: error });
}

/** What the work resolves to; undefined where the file that it needs is not there. */
export function ifThere<T>(work: Promise<T>): Promise<T | undefined> {
  return work.catch((error: unknown) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return undefined;
  });
}

/** Runs something that touches the disk, with its errors translated by {@linkcode storageError}. */
export async function onDisk<T>(task: DiskTask, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storageError(error, task);
  }
}
