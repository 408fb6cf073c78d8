/** Walks the repository's own files. */

import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Paths, relative to the repository, of the files in these folders whose names end in `ending`, sorted. */
export async function* walk(folders: readonly string[], ending: string): AsyncGenerator<string> {
  for (const folder of folders) {
    const entries = await Array.fromAsync(Deno.readDir(`${root}${folder}`));
    entries.sort((a, b) => a.name < b.name ? -1 : 1);
    for (const entry of entries) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory) yield* walk([path], ending);
      else if (path.endsWith(ending)) yield path;
    }
  }
}
