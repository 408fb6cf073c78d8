/**
 * Local lint rules: rooms import what their table allows (`rooms.ts`), time and randomness come through
 * ports only, and files are short enough to need no map.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { roomOf, rooms } from "./rooms.ts";

/** Folders whose code must not look at a clock or draw randomness itself. */
const pureFolders = /^(lib|core|net\/kademlia)\//;

/** Under 300 lines is the habit; beyond this a file needs a map and is to be split. */
const fileLinesMax = 400;

/** Calls that reach for time or randomness, as they stand in the source. */
const forbiddenCalls: ReadonlySet<string> = new Set([
  "Date.now",
  "Math.random",
  "crypto.getRandomValues",
  "crypto.randomUUID",
  "performance.now",
  "setTimeout",
  "setInterval",
  "globalThis.setTimeout",
  "globalThis.setInterval",
]);

/** The path relative to the repository of a linted file. */
function repositoryPath(filename: string): string {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const path = filename.replaceAll("\\", "/");
  return path.startsWith(root) ? path.slice(root.length) : path.replace(/^\.?\//, "");
}

/** Where a relative specifier leads, as a path relative to the repository. */
function resolve(from: string, specifier: string): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

/** Why a file may not import a specifier, or undefined when it may. Files outside the house may import all. */
export function importProblem(path: string, specifier: string): string | undefined {
  const room = roomOf(path);
  if (room === undefined || !specifier.startsWith(".")) return undefined;
  const target = resolve(path, specifier);
  const entered = roomOf(target);
  if (entered === room) return undefined;
  if (entered !== undefined && rooms[room]?.includes(entered)) return undefined;
  return `${room} must not import ${target}: see tools/rooms.ts`;
}

/** The text `a.b` of a call's callee, or its plain name. */
function calleeName(callee: Deno.lint.Expression): string {
  if (callee.type === "Identifier") return callee.name;
  if (
    callee.type === "MemberExpression" && callee.object.type === "Identifier" &&
    callee.property.type === "Identifier"
  ) return `${callee.object.name}.${callee.property.name}`;
  return "";
}

const importDirection: Deno.lint.Rule = {
  create(context) {
    const check = (node: { readonly source: Deno.lint.Expression | null }) => {
      if (node.source?.type !== "Literal" || typeof node.source.value !== "string") return;
      const message = importProblem(repositoryPath(context.filename), node.source.value);
      if (message !== undefined) context.report({ node: node.source, message });
    };
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
      // A module that is loaded late is named by a URL (`lib/load_module.ts`).
      NewExpression({ callee, arguments: [first] }) {
        if (calleeName(callee) !== "URL" || first?.type !== "Literal") return;
        if (/^\..*\.ts$/.test(String(first.value))) check({ source: first });
      },
    };
  },
};

const portsOnly: Deno.lint.Rule = {
  create(context) {
    if (!pureFolders.test(repositoryPath(context.filename))) return {};
    return {
      CallExpression(node) {
        const name = calleeName(node.callee);
        if (!forbiddenCalls.has(name)) return;
        context.report({ node, message: `${name} is for adapters: take it through a port` });
      },
      NewExpression(node) {
        if (calleeName(node.callee) !== "Date" || node.arguments.length > 0) return;
        context.report({
          node,
          message: "new Date() is for adapters: take the time through a port",
        });
      },
    };
  },
};

const shortFiles: Deno.lint.Rule = {
  create(context) {
    if (roomOf(repositoryPath(context.filename)) === undefined) return {};
    return {
      Program(node) {
        const lines = context.sourceCode.text.split("\n").length;
        if (lines <= fileLinesMax) return;
        context.report({
          range: [node.range[0], node.range[0]],
          message: `${lines} lines are more than ${fileLinesMax}: split the file`,
        });
      },
    };
  },
};

/** The plugin as deno.json names it. */
const plugin: Deno.lint.Plugin = {
  name: "camellia",
  rules: {
    "import-direction": importDirection,
    "ports-only": portsOnly,
    "short-files": shortFiles,
  },
};

export default plugin;
