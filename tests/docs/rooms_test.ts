import assert from "node:assert/strict";
import { type Room, rooms } from "../../tools/rooms.ts";
import { readText } from "./repository.ts";

/** Lines of a room's README at most, heading and purpose included: it helps a stranger, no more. */
const readmeLinesMax = 24;

function rowOf(path: string, { purpose, imports }: Room): string {
  const names = imports.map((name) => `\`${name}\``).join(", ");
  return `\`${path}\` | ${purpose} | ${names === "" ? "none" : names}`;
}

Deno.test("docs/ARCHITECTURE.md lists every room with its purpose and what it may import", async () => {
  const text = await readText("docs/ARCHITECTURE.md");
  const section = text.split("\n## Rooms\n")[1]?.split("\n## ")[0] ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()).join(" | "));
  assert.deepEqual(rows, Object.entries(rooms).map(([path, room]) => rowOf(path, room)));
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
