/** What the shortest runs of the program load: a module too many is a wait for every command. */

import assert from "node:assert/strict";
import { dirname, join, normalize } from "node:path";
import { readText } from "../docs/repository.ts";
import { walk } from "../walk.ts";

/** What a module imports when it is loaded; types and what it loads later left out. */
function importsOf(source: string): string[] {
  const statements = source.matchAll(
    /^(?:import|export)\s+(?!type\b|interface\b)(?:([^;"']*?)\sfrom\s+)?"([^"]+)"/gm,
  );
  return [...statements].flatMap(([, names = "", specifier = ""]) => {
    const items = /^\{([^}]*)\}$/.exec(names.trim())?.[1]?.split(",").map((item) => item.trim());
    const isOfTypes = items?.every((item) => item === "" || item.startsWith("type "));
    return isOfTypes ? [] : [specifier];
  });
}

/** All modules that come with some of them, and what they take from elsewhere. */
async function loadedWith(entries: readonly string[]): Promise<{ own: string[]; other: string[] }> {
  const own = new Set<string>();
  const other = new Set<string>();
  const waiting = [...entries];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (own.has(path) || !path.endsWith(".ts")) continue;
    own.add(path);
    for (const specifier of importsOf(await readText(path))) {
      if (specifier.startsWith(".")) waiting.push(normalize(join(dirname(path), specifier)));
      else other.add(specifier);
    }
  }
  return { own: [...own].sort(), other: [...other].sort() };
}

/** The rooms that the modules lie in. */
function roomsOf(paths: readonly string[]): string[] {
  return [...new Set(paths.map((path) => dirname(path)))].sort();
}

const version = ["main.ts"];
const help = [...version, "ui/cli.ts", "ui/terminal/system_io.ts", "ui/shell/help.ts"];
const command = [...help, "storage/data_folder.ts"];
const ofPeer = [
  "ui/commands/timeline_commands.ts",
  "ui/commands/writing_commands.ts",
  "ui/commands/whoami.ts",
];

Deno.test("The version comes without any package, and with three modules", async () => {
  const { own, other } = await loadedWith(version);
  assert.deepEqual(other, []);
  assert.deepEqual(own, ["core/model/errors.ts", "lib/load_module.ts", "main.ts"]);
});

Deno.test("The help comes with the table of commands, and without what commands do", async () => {
  const { own, other } = await loadedWith(help);
  assert.deepEqual(other, ["get-east-asian-width"]);
  assert.deepEqual(roomsOf(own), [
    ".",
    "core/model",
    "lib",
    "ui",
    "ui/commands",
    "ui/output",
    "ui/prompts",
    "ui/settings",
    "ui/shell",
    "ui/terminal",
  ]);
});

Deno.test("A command with a running peer comes without keys, addresses, sockets, prompts and databases", async () => {
  const { own, other } = await loadedWith([...command, ...ofPeer]);
  // node:http, node:crypto and each package of CommonJS take 20 to 50 ms.
  assert.deepEqual(other, ["get-east-asian-width"]);
  const core = own.filter((path) => /^(core|net|storage|lib)\//.test(path));
  assert.deepEqual(core, [
    "core/api.ts",
    "core/model/arguments.ts",
    "core/model/bytes.ts",
    "core/model/errors.ts",
    "core/model/hindrance.ts",
    "core/model/mute.ts",
    "core/model/snowflake.ts",
    "core/model/username.ts",
    "lib/host_port.ts",
    "lib/load_module.ts",
    "lib/msgpack.ts",
    "lib/msgpack_reader.ts",
    "lib/msgpack_writer.ts",
    "lib/paths.ts",
    "lib/random.ts",
    "lib/similar.ts",
    "lib/waiting.ts",
    "storage/data_folder.ts",
    "storage/own_files.ts",
    "storage/private_file.ts",
    "storage/storage_errors.ts",
  ]);
  assert.ok(own.length <= 68, own.join("\n"));
});

Deno.test("On the way of these runs no module is named in an import() that Deno follows before it runs", async () => {
  const { own } = await loadedWith([...command, ...ofPeer]);
  for (const path of own) {
    // Types alone follow `typeof`; a package is read only where its module is.
    const named = (await readText(path)).match(/(?<!typeof )\bimport\(\s*"\.[^"]*"/g) ?? [];
    assert.deepEqual(named, [], path);
  }
});

Deno.test("What is loaded late is the module whose type is told", async () => {
  const late =
    /loadModule<\s*typeof import\("([^"]+)"\)\s*>\(\s*new URL\("([^"]+)", import\.meta\.url\)/g;
  let found = 0;
  for await (const path of walk(["ui"], ".ts")) {
    for (const [, type, place] of (await readText(path)).matchAll(late)) {
      assert.equal(place, type, path);
      found++;
    }
  }
  for (const [, type, place] of (await readText("main.ts")).matchAll(late)) {
    assert.equal(place, type);
    found++;
  }
  assert.ok(found > 15, String(found));
});
