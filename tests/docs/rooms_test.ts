import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { type Room, rooms } from "../../tools/rooms.ts";
import { pathOf, readText } from "./repository.ts";

/** Lines of a room's README at most, heading and purpose included: it helps a stranger, no more. */
const readmeLinesMax = 24;

const architecture = "docs/ARCHITECTURE.md";

function rowOf(path: string, { purpose, imports }: Room): string {
  const names = imports.map((name) => `\`${name}\``).join(", ");
  return `\`${path}\` | ${purpose} | ${names === "" ? "none" : names}`;
}

// `UPDATE_DOCS=1 deno test -P tests/docs && deno fmt` writes the table anew.
Deno.test("docs/ARCHITECTURE.md lists every room with its purpose and what it may import", async () => {
  const text = await readText(architecture);
  const start = text.indexOf("\n| `", text.indexOf("\n## Rooms\n")) + 1;
  const end = text.indexOf("\n\n", start);
  const rows = text.slice(start, end).split("\n")
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()).join(" | "));
  const wanted = Object.entries(rooms).map(([path, room]) => rowOf(path, room));
  if (Deno.env.has("UPDATE_DOCS")) {
    const table = wanted.map((row) => `| ${row} |`).join("\n");
    await writeFile(pathOf(architecture), text.slice(0, start) + table + text.slice(end));
  } else assert.deepEqual(rows, wanted);
});

Deno.test("Every folder that is a room has a README that begins with the room's purpose", async () => {
  for (const [path, { purpose }] of Object.entries(rooms)) {
    if (path.endsWith(".ts")) continue;
    const text = await readText(`${path}/README.md`);
    const [heading, first = ""] = text.split("\n\n");
    assert.equal(heading, `# ${path}`);
    assert.equal(first.replace(/\s+/g, " ").trim(), purpose, `${path}/README.md`);
    const lines = text.trim().split("\n").length;
    assert.ok(lines <= readmeLinesMax, `${path}/README.md has ${lines} lines`);
  }
});
