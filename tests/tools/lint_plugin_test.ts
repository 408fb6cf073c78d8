import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { walk } from "../walk.ts";
import plugin, { importProblem } from "../../tools/lint_plugin.ts";
import { roomOf, type Rooms, rooms } from "../../tools/rooms.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

function messages(path: string, source: string): string[] {
  return Deno.lint.runPlugin(plugin, `${root}${path}`, source).map((found) => found.message);
}

/** One cycle in a table of rooms, as a path that ends where it began; undefined where there is none. */
function findCycle(table: Rooms): string[] | undefined {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (room: string): string[] | undefined => {
    const at = path.indexOf(room);
    if (at >= 0) return [...path.slice(at), room];
    if (done.has(room)) return undefined;
    path.push(room);
    for (const next of table[room] ?? []) {
      if (next === room) continue;
      const cycle = visit(next);
      if (cycle !== undefined) return cycle;
    }
    path.pop();
    done.add(room);
    return undefined;
  };
  for (const room of Object.keys(table)) {
    const cycle = visit(room);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

Deno.test("Lint plugin forbids each import against the map", () => {
  const forbidden: [string, string][] = [
    ["core/peer.ts", "../net/links/zmq_links.ts"],
    ["core/model/post.ts", "../../storage/user_store.ts"],
    ["core/model/post.ts", "../ports.ts"],
    ["core/session/session.ts", "../records/lists.ts"],
    ["core/follow/follow.ts", "../peer.ts"],
    ["lib/slots.ts", "../core/model/bytes.ts"],
    ["net/links/link.ts", "../../core/replication/sync.ts"],
    ["net/links/link.ts", "../../storage/key_files.ts"],
    ["net/links/link.ts", "../directory/directory.ts"],
    ["net/kademlia/mod.ts", "../../../core/model/bytes.ts"],
    ["net/kademlia/mod.ts", "../../system/datagrams.ts"],
    ["net/kademlia/space/id.ts", "../rpc/wire.ts"],
    ["net/directory/directory.ts", "../kademlia/rpc/wire.ts"],
    ["storage/key_files.ts", "../net/links/link.ts"],
    ["ui/menu/menu.ts", "../../core/replication/sync.ts"],
    ["ui/menu/menu.ts", "../../net/links/link.ts"],
    ["ui/terminal/io.ts", "../menu/menu.ts"],
  ];
  for (const [path, specifier] of forbidden) {
    assert.ok(importProblem(path, specifier), `${path} -> ${specifier}`);
  }
});

Deno.test("Lint plugin lets the map's own directions pass", () => {
  const allowed: [string, string][] = [
    ["core/peer.ts", "./replication/sync.ts"],
    ["core/replication/fetches.ts", "./sync.ts"],
    ["net/links/link.ts", "../../core/ports.ts"],
    ["net/directory/directory.ts", "../kademlia/mod.ts"],
    ["net/directory/directory.ts", "../../core/model/record.ts"],
    ["storage/key_files.ts", "../core/ports.ts"],
    ["ui/menu/menu.ts", "../../core/api.ts"],
    ["main.ts", "./net/links/zmq_links.ts"],
    ["net/kademlia/mod.ts", "node:crypto"],
  ];
  for (const [path, specifier] of allowed) {
    assert.equal(importProblem(path, specifier), undefined, `${path} -> ${specifier}`);
  }
});

Deno.test("Every folder of the program is a room, and rooms import in one direction", async () => {
  const found = new Set<string>();
  for (const ending of [".ts", ".js"]) {
    for await (const path of walk(["lib", "core", "net", "storage", "ui"], ending)) {
      const room = roomOf(path);
      assert.ok(room !== undefined, `${path} is in no room of tools/rooms.ts`);
      found.add(room);
    }
  }
  assert.deepEqual([...found].sort(), Object.keys(rooms).sort());
  assert.equal(findCycle(rooms), undefined);
  const table = {
    a: ["b"],
    b: ["c"],
    c: ["b"],
  };
  assert.deepEqual(findCycle(table), ["b", "c", "b"]);
});

Deno.test("Lint plugin sees static, dynamic and re-exported imports", () => {
  assert.equal(messages("core/a.ts", `import { x } from "../net/b.ts"; x();`).length, 1);
  assert.equal(messages("core/a.ts", `await import("../net/b.ts");`).length, 1);
  assert.equal(messages("core/a.ts", `export * from "../net/b.ts";`).length, 1);
  assert.equal(messages("core/a.ts", `export { x } from "../net/b.ts";`).length, 1);
  assert.equal(messages("core/a.ts", `import type { x } from "../net/b.ts"; let y: x;`).length, 1);
});

Deno.test("Lint plugin forbids clocks and randomness in the core and the DHT alone", () => {
  const source = `Date.now(); Math.random(); new Date(); setTimeout(f, 1); performance.now();`;
  assert.equal(messages("core/a.ts", source).length, 5);
  assert.equal(messages("net/kademlia/a.ts", source).length, 5);
  assert.equal(messages("net/clock/ntp_clock.ts", source).length, 0);
  assert.equal(messages("core/a.ts", `new Date(5);`).length, 0);
});

Deno.test("Lint plugin asks for long files to be split", () => {
  assert.equal(messages("core/a.ts", "f();\n".repeat(401)).length, 1);
  assert.equal(messages("core/a.ts", "f();\n".repeat(300)).length, 0);
});

Deno.test("Every file of the program keeps the local lint rules", async () => {
  const problems: string[] = [];
  let files = 0;
  for await (const path of walk(["lib", "core", "net", "storage", "ui"], ".ts")) {
    files++;
    for (const message of messages(path, await Deno.readTextFile(`${root}${path}`))) {
      problems.push(`${path}: ${message}`);
    }
  }
  assert.deepEqual(problems, []);
  assert.ok(files > 10, `only ${files} files were looked at`);
});
