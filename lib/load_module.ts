/**
 * Loading a module only when it is needed.
 *
 * Where an `import()` names its module in the source, Deno reads that module, and all that it imports, as
 * soon as it loads the one around; where the name is computed, not before it runs.
 *
 * @module
 */

/**
 * Loads a module of the program.
 *
 * @param url A `new URL(…, import.meta.url)`: tools/compile.ts finds the modules to embed by these words.
 */
export function loadModule<Module>(url: URL): Promise<Module> {
  return import(url.href);
}
