import assert from "node:assert/strict";
import { type Action, type KeyEntry, keyTable } from "../../ui/screen/key_table.ts";
import { Keymap } from "../../ui/screen/keymap.ts";
import { pathOf, readText } from "./repository.ts";

const path = "docs/SCREEN.md";

/** The table of keys as the document has it. */
function table(): string {
  const keymap = new Keymap();
  const entries: readonly KeyEntry[] = keyTable;
  const rows = entries.map((
    { action, place, help },
  ) => [`\`${action.toUpperCase()}\``, place, keymap.shown(action as Action).join(" "), help]);
  const all = [["action", "where", "keys", "what it does"], ...rows];
  const widths = [0, 1, 2, 3].map((at) => Math.max(...all.map((row) => (row[at] ?? "").length)));
  const line = (row: readonly string[], pad = " ") =>
    `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0, pad)).join(" | ")} |`;
  return [line(all[0] ?? []), line(["", "", "", ""], "-"), ...rows.map((row) => line(row))].join(
    "\n",
  );
}

Deno.test("docs/SCREEN.md has all keys of the screen", async () => {
  const text = await readText(path);
  const marked = /(<!-- keys -->\n)[^]*?(<!-- \/keys -->)/;
  const wanted = text.replace(marked, (_, begin, end) => `${begin}\n${table()}\n\n${end}`);
  if (Deno.env.get("UPDATE_DOCS") === "1") await Deno.writeTextFile(pathOf(path), wanted);
  else assert.equal(text, wanted, "UPDATE_DOCS=1 writes the table");
});
