import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { rooms } from "../../tools/rooms.ts";
import { pathOf, readText } from "./repository.ts";

/** Lines of a room's README at most, heading and purpose included: it helps a stranger, no more. */
const readmeLinesMax = 24;

const architecture = "docs/ARCHITECTURE.md";

/** What a room is for: the first sentence of its README, or of the doc comment of a single file. */
async function purposeOf(path: string): Promise<string> {
  const text = await readText(path.endsWith(".ts") ? path : `${path}/README.md`);
  const first = path.endsWith(".ts")
    ? /^\/\*\*\n((?: \* .*\n)+)/.exec(text)?.[1]?.replaceAll(" * ", "")
    : text.split("\n\n")[1];
  return /^.*?\.(?= |$)/.exec((first ?? "").replace(/\s+/g, " ").trim())?.[0] ?? "";
}

async function rowOf(path: string, imports: readonly string[]): Promise<string> {
  const names = imports.filter((name) => name !== path).map((name) => `\`${name}\``).join(", ");
  return `\`${path}\` | ${await purposeOf(path)} | ${names === "" ? "none" : names}`;
}

// `UPDATE_DOCS=1 deno test -P tests/docs && deno fmt` writes the table anew.
Deno.test("docs/ARCHITECTURE.md lists every room with its purpose and what it may import", async () => {
  const text = await readText(architecture);
  const start = text.indexOf("\n| `", text.indexOf("\n## Rooms\n")) + 1;
  const end = text.indexOf("\n\n", start);
  const rows = text.slice(start, end).split("\n")
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()).join(" | "));
  const wanted = await Promise.all(
    Object.entries(rooms).map(([path, imports]) => rowOf(path, imports)),
  );
  if (Deno.env.has("UPDATE_DOCS")) {
    const table = wanted.map((row) => `| ${row} |`).join("\n");
    await writeFile(pathOf(architecture), text.slice(0, start) + table + text.slice(end));
  } else assert.deepEqual(rows, wanted);
});

Deno.test("Every folder that is a room has a short README that says what the room is for", async () => {
  for (const path of Object.keys(rooms)) {
    assert.ok((await purposeOf(path)).length > 10, path);
    if (path.endsWith(".ts")) continue;
    const text = await readText(`${path}/README.md`);
    assert.equal(text.split("\n\n")[0], `# ${path}`);
    const lines = text.trim().split("\n").length;
    assert.ok(lines <= readmeLinesMax, `${path}/README.md has ${lines} lines`);
  }
});
