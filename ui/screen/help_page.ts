/**
 * The help, which is made from the table of keys and the one of commands.
 *
 * @module
 */

import { wrapText } from "../terminal/width.ts";
import { type CommandEntry, commandTable } from "./command_table.ts";
import { type Action, type KeyEntry, keyTable, type Place } from "./key_table.ts";
import type { Keymap } from "./keymap.ts";
import { type Piece, plain, styled } from "./line.ts";
import type { Page, Stage } from "./page.ts";
import { textPage } from "./text_page.ts";

const headings: readonly (readonly [Place, string])[] = [
  ["everywhere", "Everywhere"],
  ["posts", "On a post"],
  ["people", "On a user, or the author of a post"],
  ["requests", "On a request"],
  ["writing", "While you write"],
];

/** Columns of the keys. */
const keyColumns = 22;

/** From this width on, keys and what they do stand side by side. */
const wideMin = 60;

function entryRows(left: string, text: string, columns: number): Piece[][] {
  if (columns < wideMin) {
    const lines = wrapText(text, columns - 2);
    return [[styled(left, "accent")], ...lines.map((line) => [plain(`  ${line}`)])];
  }
  const lines = wrapText(text, columns - keyColumns - 1);
  return lines.map((line, at) => [
    styled((at === 0 ? left : "").padEnd(keyColumns), "accent"),
    plain(` ${line}`),
  ]);
}

/** The rows of the help. */
export function helpRows(keymap: Keymap, columns: number): Piece[][] {
  const keys: readonly KeyEntry[] = keyTable;
  const ofKeys = headings.flatMap(([place, heading]) => [
    [],
    [styled(heading, "bold")],
    ...keys.filter((entry) => entry.place === place).flatMap(({ action, help }) =>
      entryRows(keymap.shown(action as Action).join(" "), `${help} [${action}]`, columns)
    ),
  ]);
  const commands: readonly CommandEntry[] = commandTable;
  const ofCommands = commands.flatMap(({ name, takes = "", help }) =>
    entryRows(`:${name} ${takes}`.trimEnd(), help, columns)
  );
  const mouse =
    "The wheel scrolls; a click chooses, a second one opens. With Shift held, most terminals " +
    "select text as usual.";
  return [
    ...ofKeys,
    [],
    [styled("Commands", "bold")],
    ...ofCommands,
    [],
    [styled("Mouse", "bold")],
    ...wrapText(mouse, columns - 2).map((line) => [plain(line)]),
    [],
    ...wrapText(
      "Keys can be changed in config.ini: [KEYS], and in it the names that stand in brackets here, such as " +
        "DOWN = n, down",
      columns - 2,
    ).map((line) => [styled(line, "dim")]),
  ];
}

/** The page of the help. */
export function helpPage(stage: Stage, keymap: Keymap): Page {
  return textPage(stage, { title: "Help", rows: (columns) => helpRows(keymap, columns) });
}
