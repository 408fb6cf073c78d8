/**
 * Which mutants are tried, and which tests could notice one.
 *
 * @module
 */

/** `count` of the items, or all where there are fewer: one from each of `count` equal stretches. */
export function drawSample<T>(
  items: readonly T[],
  count: number,
  random: { pick<T>(items: readonly T[]): T },
): T[] {
  const drawn = Math.min(count, items.length);
  const edges = Array.from({ length: drawn + 1 }, (_, i) => Math.floor(i * items.length / drawn));
  return edges.slice(1).map((edge, i) => random.pick(items.slice(edges[i], edge)));
}

/** Tests that reach everything and take long come last. */
const late = /^tests\/(sim|e2e|tools)\//;

/**
 * The files that import or start each file, all by path relative to the repository. A file reaches
 * what it names in a text: `import "./NAME.ts"`, `new URL("./NAME.ts", …)`, `join(root, "main.ts")`.
 */
export function importersOf(sources: ReadonlyMap<string, string>): Map<string, string[]> {
  const importers = new Map<string, string[]>();
  for (const [file, source] of sources) {
    // What is imported as a type does not run.
    const code = source.replace(/^(import|export) type [^;]*;/gm, "");
    for (const [, name = ""] of code.matchAll(/"([\w./-]+\.ts)"/g)) {
      const { pathname } = new URL(name, name.startsWith(".") ? `file:///${file}` : "file:///");
      const target = pathname.slice(1);
      if (sources.has(target)) importers.set(target, [...importers.get(target) ?? [], file]);
    }
  }
  return importers;
}

/** The test files that reach a file: those of its own room first, then by the imports in between. */
export function testsOf(file: string, importers: ReadonlyMap<string, readonly string[]>): string[] {
  const room = `tests/${file.slice(0, file.lastIndexOf("/"))}/`;
  const ranks = new Map<string, number>();
  const steps = new Map([[file, 0]]);
  // The loop also visits what it adds.
  for (const [at, count] of steps) {
    for (const next of importers.get(at) ?? []) if (!steps.has(next)) steps.set(next, count + 1);
    const farness = late.test(at) ? 2_000 : at.startsWith(room) ? 0 : 1_000;
    if (at.endsWith("_test.ts")) ranks.set(at, farness + count);
  }
  return [...ranks].sort(([a, i], [b, j]) => i - j || (a < b ? -1 : 1)).map(([test]) => test);
}
