/**
 * Paths of files, without node:path: that takes 10 ms to load, a sixth of what a short command takes in all.
 * Windows, whose paths are not simple, has node:path do it.
 *
 * @module
 */

/** What node:path does on Windows. */
type Paths = Pick<
  typeof import("node:path"),
  "join" | "resolve" | "dirname" | "basename"
>;

/** node:path where it is needed; `process` loads it at once, while an `import` would have all wait for it. */
const windows: Paths | undefined = Deno.build.os === "windows"
  ? globalThis.process.getBuiltinModule("node:path")
  : undefined;

/** The path of something in a folder. The names have no separators at their ends. */
export function joinPath(folder: string, ...names: readonly string[]): string {
  if (windows !== undefined) return windows.join(folder, ...names);
  return [folder.replace(/\/+$/, ""), ...names].join("/");
}

/** The folder that a path is in; `.` for a name alone. */
export function parentPath(path: string): string {
  if (windows !== undefined) return windows.dirname(path);
  const at = path.lastIndexOf("/");
  return at < 0 ? "." : path.slice(0, at) || "/";
}

/** The last name of a path. */
export function lastName(path: string): string {
  if (windows !== undefined) return windows.basename(path);
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The path from the root, without `.`, `..` and empty parts; a relative one is taken from the current folder. */
export function absolutePath(path: string, from: () => string = Deno.cwd): string {
  if (windows !== undefined) return windows.resolve(path);
  const names: string[] = [];
  for (const name of (path.startsWith("/") ? path : `${from()}/${path}`).split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return `/${names.join("/")}`;
}
