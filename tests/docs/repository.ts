/** The files of the repository, as the tests of its documents read them. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import denoConfig from "../../deno.json" with { type: "json" };
import { walk } from "../walk.ts";
import type { Library } from "./citations.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

const folders = [
  ".github",
  "bench",
  "core",
  "docs",
  "lib",
  "net",
  "packaging",
  "storage",
  "tests",
  "tools",
  "ui",
];

/** The name of a test that stands in the source as a plain string, with options beside it or without. */
const testName = /Deno\.test\(\s*(?:\{\s*name:\s*)?("(?:[^"\\]|\\.)*")/g;

/** Where a file lies, by its path relative to the repository. */
export function pathOf(path: string): string {
  return `${root}${path}`;
}

/** The text of a file, by its path relative to the repository. */
export function readText(path: string): Promise<string> {
  return readFile(pathOf(path), "utf8");
}

/** Paths of all files, relative to the repository, but for those that builds and runs leave. */
async function allPaths(): Promise<Set<string>> {
  const paths = new Set<string>();
  for await (const entry of Deno.readDir(root)) if (entry.isFile) paths.add(entry.name);
  for await (const path of walk(folders, "")) paths.add(path);
  return paths;
}

/** What citations can name, and the text of every TypeScript file by path. */
export async function readRepository(): Promise<
  { readonly library: Library; readonly sources: ReadonlyMap<string, string> }
> {
  const paths = await allPaths();
  const documents = new Map<string, string>();
  const sources = new Map<string, string>();
  for (const path of paths) {
    if (path.endsWith(".md")) documents.set(path, await readText(path));
    if (path.endsWith(".ts")) sources.set(path, await readText(path));
  }
  const tests = new Set<string>();
  for (const source of sources.values()) {
    for (const [, name = ""] of source.matchAll(testName)) {
      tests.add(JSON.parse(name));
    }
  }
  const tasks = new Set(Object.keys(denoConfig.tasks));
  return { library: { paths, documents, tests, tasks }, sources };
}
