/**
 * The program's own files for Node's package folders, in which Deno strips no types: as JavaScript.
 *
 * @module
 */

import { stripTypeScriptTypes } from "node:module";

/** A relative path to a TypeScript file, as a whole string in the source. */
const relativePath = /(["'])(\.{1,2}\/[^"'\n]*)\.ts\1/g;

/**
 * A TypeScript module as JavaScript: blanks stand where types were, so lines and columns stay, and paths to
 * modules end in `.js`.
 *
 * @throws {SyntaxError} If the source has more than types that JavaScript does not know.
 */
export function toJavaScript(source: string): string {
  return stripTypeScriptTypes(source, { mode: "strip" })
    .replaceAll(relativePath, "$1$2.js$1")
    .replaceAll(/[ \t]+$/gm, "");
}
