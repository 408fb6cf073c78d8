/**
 * Whose files these are: what another user made or can change, and what leads elsewhere, is not used.
 *
 * Windows tells neither owner nor mode to Deno; there only links are refused.
 *
 * @module
 */

import { joinPath } from "../lib/paths.ts";
import { CamelliaError } from "../core/model/errors.ts";
import { ifThere, onDisk } from "./storage_errors.ts";

/** What a data folder may have in it that this program opens. What lies in the two folders counts as well. */
const names = ["lock", "node.kv", "node.kv-wal", "node.kv-shm", "last-user", "peer.json"] as const;
const folders = ["users", "keys"] as const;

/** The process's user; undefined on Windows. */
function ownUser(): number | undefined {
  return Deno.build.os === "windows" ? undefined : Deno.uid() ?? undefined;
}

function unsafe(path: string, why: string): CamelliaError {
  return new CamelliaError("folder_unsafe", `Cannot use ${path}: ${why}`);
}

/**
 * Checks something in a data folder, if it is there.
 *
 * @throws {CamelliaError} `folder_unsafe` if it is a link, neither file nor folder as it should be, or another
 * user's.
 */
export async function assertOwn(path: string, kind: "file" | "folder"): Promise<void> {
  const info = await ifThere(Deno.lstat(path));
  if (info === undefined) return;
  if (info.isSymlink) {
    throw unsafe(path, "it is a link, which could lead to any other file. Remove the link");
  }
  if (kind === "file" ? !info.isFile : !info.isDirectory) {
    throw unsafe(path, `it is no ${kind}. Move it out of the way`);
  }
  const user = ownUser();
  if (user === undefined || info.uid === null || info.uid === user) return;
  throw unsafe(
    path,
    `it belongs to another user (number ${info.uid}; this program runs as ${user}). ` +
      "Choose another folder with --data, or take it over with chown after you have looked at what is in it",
  );
}

/**
 * Checks a data folder and all in it that is going to be opened. The folder itself may be reached by a link.
 *
 * @throws {CamelliaError} `folder_unsafe`, with what to do.
 */
export async function assertOwnFolder(folder: string): Promise<void> {
  await onDisk({ doing: `use the folder ${folder}`, path: folder }, async () => {
    const path = await Deno.realPath(folder);
    await assertOwn(path, "folder");
    const { mode } = await Deno.lstat(path);
    if (ownUser() !== undefined && mode !== null && (mode & 0o022) !== 0) {
      throw unsafe(
        folder,
        "other users of this machine may write there (mode " +
          `${(mode & 0o777).toString(8)}). Take that away with: chmod go-w ${folder}`,
      );
    }
    for (const name of names) await assertOwn(joinPath(path, name), "file");
    for (const name of folders) {
      const inner = joinPath(path, name);
      await assertOwn(inner, "folder");
      if (await ifThere(Deno.lstat(inner)) === undefined) continue;
      for await (const entry of Deno.readDir(inner)) {
        await assertOwn(joinPath(inner, entry.name), "file");
      }
    }
  });
}
