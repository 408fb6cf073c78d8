/**
 * What can be told of a data folder without locking or changing it, for a person who looks for a fault.
 *
 * @module
 */

import { statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/** What a data folder is like. */
export interface FolderFacts {
  /** Whether there is a folder at the path, nothing, or something else. */
  readonly kind: "folder" | "absent" | "other";
  /** Whether it is the user's own; undefined where the system does not tell, or there is none. */
  readonly isOwn: boolean | undefined;
  /** The permission bits; undefined where there are none. */
  readonly mode: number | undefined;
  /** Why nothing can be written into it; undefined where something can. */
  readonly unwritable: string | undefined;
  /** Bytes that are free on its disk; undefined where the system does not tell. */
  readonly freeBytes: number | undefined;
}

/** The folder itself, or where it does not exist the nearest one above that does. */
async function nearest(path: string): Promise<string> {
  const info = await Deno.stat(path).catch(() => undefined);
  const above = dirname(path);
  return info !== undefined || above === path ? path : await nearest(above);
}

async function freeBytesAt(path: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(await nearest(path));
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

/** Writes a file that vanishes at once. */
async function whyUnwritable(folder: string): Promise<string | undefined> {
  try {
    await Deno.remove(await Deno.makeTempFile({ dir: folder, prefix: ".doctor-" }));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message || error.name : String(error);
  }
}

/** Looks at a data folder; never rejects. */
export async function folderFacts(folder: string): Promise<FolderFacts> {
  const path = resolve(folder);
  const freeBytes = await freeBytesAt(path);
  const nothing = { isOwn: undefined, mode: undefined, unwritable: undefined, freeBytes };
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { ...nothing, kind: "absent" };
    return { ...nothing, kind: "other" };
  }
  if (!info.isDirectory) return { ...nothing, kind: "other" };
  const user = Deno.build.os === "windows" ? null : Deno.uid();
  return {
    kind: "folder",
    isOwn: user === null || info.uid === null ? undefined : info.uid === user,
    mode: info.mode === null ? undefined : info.mode & 0o777,
    unwritable: await whyUnwritable(path),
    freeBytes,
  };
}
