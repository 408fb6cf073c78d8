/**
 * Where data and configuration are.
 *
 * @module
 */

import { joinPath } from "../../lib/paths.ts";
import { given } from "../../core/model/arguments.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import type { Io } from "../terminal/io.ts";
import type { Flags } from "./flags.ts";

/** The file that is looked for in the data folder. */
export const configName = "config.ini";

/**
 * The data folder when no `--data` is given: `camellia` in the place that the platform has for programs'
 * data (XDG Base Directory Specification; Application Support; Local AppData).
 *
 * @throws {CamelliaError} `invalid_argument` where the environment names no such place.
 */
export function defaultDataFolder(io: Io): string {
  const home = io.env("HOME");
  const inHome = (...names: string[]) => home === undefined ? undefined : joinPath(home, ...names);
  const xdg = io.env("XDG_DATA_HOME");
  const place = io.os === "windows"
    ? io.env("LOCALAPPDATA")
    : io.os === "darwin"
    ? inHome("Library", "Application Support")
    : xdg?.startsWith("/")
    ? xdg
    : inHome(".local", "share");
  if (place !== undefined) return joinPath(place, "camellia");
  throw new CamelliaError(
    "invalid_argument",
    "Cannot tell where to keep data: the environment names no home. Name a folder with --data DIR",
  );
}

/** A path with `~` at its beginning replaced by the home, which a shell does only where it is a word's first letter. */
export function expandHome(path: string, io: Io): string {
  const home = io.env("HOME");
  if (home === undefined || !/^~(?:\/|$)/.test(path)) return path;
  return home + path.slice(1);
}

/** The flags with `~` replaced in those that name a file or folder; see {@linkcode expandHome}. */
export function expandFlags(flags: Flags, io: Io): Flags {
  const { data, config, passwordFile } = flags;
  const expanded = Object.entries(given({ data, config, passwordFile }))
    .map(([name, path]) => [name, expandHome(path, io)]);
  return { ...flags, ...Object.fromEntries(expanded) };
}
